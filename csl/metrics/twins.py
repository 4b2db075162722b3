"""Two sets of features of the same samples."""

from torch import Tensor

from csl.distributed import Group
from csl.metrics.samples import Samples
from csl.pairwise import refuse


def twins(first: Tensor, second: Tensor, group: Group = None) -> tuple[Samples, Samples]:
    """The records of both, row i of one and of the other being the same sample.

    Raises:
        ValueError: If one is no finite matrix, or they have not as many rows; the same on every process of the group.
    """
    both = Samples(first, group=group), Samples(second, group=group)
    counts = [len(one.features) for one in both]
    fault = None if counts[0] == counts[1] else f"second: expected {counts[0]} rows, as many as first, got {counts[1]}"
    refuse(fault, group)
    return both
