"""The pairs of labelled samples, as a set of samples makes them."""

from typing import Unpack

from torch import Tensor

from csl.distributed import Group, Shard
from csl.pairwise import LabeledPairs, Streaming


def labeled(
    features: Tensor, labels: Tensor, num_classes: int = 10, *, group: Group = None, **streaming: Unpack[Streaming]
) -> LabeledPairs:
    """The pairs of these rows, of classes from 0, for three passes."""
    return LabeledPairs.of(features, labels.long(), num_classes, Shard.of(len(features), group), 3, **streaming)
