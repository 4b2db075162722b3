"""The pairs of labelled samples, those of one class beside each other."""

from typing import NamedTuple, Unpack

from torch import Tensor

from csl.distributed import Group, Shard
from csl.pairwise.checks import check_features, label_range_fault, refuse
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
        """The pairs of this process's checked rows `[n, D]` of these classes `[n]`, 0 to C − 1."""
        order = classes.argsort(stable=True)
        pairs = Pairs(features, shard, order=order, passes=passes, **streaming)
        return cls(pairs, shard.gather(classes[order]), num_classes)

    @classmethod
    def checked(
        cls,
        features: Tensor,
        labels: Tensor,
        num_classes: int,
        group: Group,
        passes: int,
        **streaming: Unpack[Streaming],
    ) -> "LabeledPairs":
        """As `of`, from input that is checked first.

        Raises:
            ValueError: If the features are no finite floating-point matrix, or labels are not from 0 to C − 1.
        """
        check_features(features, group)
        refuse(label_range_fault(features, labels, num_classes), group)
        shard = Shard.of(len(features), group)
        return cls.of(features, labels.to(features.device).long(), num_classes, shard, passes, **streaming)
