"""The pairs of labelled samples, those of one class beside each other."""

from typing import NamedTuple, Unpack

from torch import Tensor

from csl.distributed import Shard
from csl.pairwise.pairs import Pairs
from csl.pairwise.streaming import Streaming


class LabeledPairs(NamedTuple):
    """All pairs of samples, each process's rows in the order of their classes.

    So a tile holds few classes, and near pairs, mostly of one class, lie together.

    Attributes:
        pairs: The pairs.
        classes: The class of each of the group's rows `[N]`, ascending within each process's rows.
        num_classes: C.
    """

    pairs: Pairs
    classes: Tensor
    num_classes: int

    @classmethod
    def of(
        cls,
        features: Tensor,
        classes: Tensor,
        num_classes: int,
        shard: Shard,
        passes: int,
        **streaming: Unpack[Streaming],
    ) -> "LabeledPairs":
        """The pairs of this process's rows `[n, D]` of these classes `[n]`, 0 to C − 1; both have been checked.

        Example:
            >>> import torch
            >>> x, classes = torch.tensor([[0.0], [1.0], [3.0]]), torch.tensor([1, 0, 1])
            >>> LabeledPairs.of(x, classes, 2, Shard.of(3), passes=1).classes
            tensor([0, 1, 1])
        """
        order = classes.argsort(stable=True)
        pairs = Pairs(features, shard, order=order, passes=passes, **streaming)
        return cls(pairs, shard.gather(classes[order]), num_classes)
