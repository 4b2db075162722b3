"""Two sets of features of the same samples, and what several comparisons ask of them."""

from functools import cached_property

from torch import Tensor

from csl.distributed import Group, all_reduce
from csl.metrics.samples import Samples
from csl.pairwise import in_float64, refuse

_ROUNDING = 1e-24  # share of the sum of squares below which a sum of squared deviations is rounding


class Twins:
    """Two sets, row i of one and of the other being the same sample; what is asked for twice is computed once.

    Args:
        first: This process's rows of one set `[n, D]`.
        second: The same samples in the other `[n, E]`.
        group: The processes that hold the other rows; None for one process.
        normalize: Take the rows with length 1.
        neighbors: How many nearest others will be asked for, as in `Samples`.

    Raises:
        ValueError: If one is no finite matrix, or they have not as many rows; the same on every process of the group.

    Example:
        >>> import torch
        >>> both = Twins(torch.tensor([[0.0], [2.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
        >>> both.cross
        tensor([[-1.,  1.]], dtype=torch.float64)
    """

    def __init__(
        self,
        first: Tensor,
        second: Tensor,
        group: Group = None,
        *,
        normalize: bool = False,
        neighbors: tuple[int, ...] = (),
    ) -> None:
        shared = bool(neighbors)
        self.first, self.second = (
            Samples(rows, group=group, normalize=normalize, neighbors=neighbors, shared=shared)
            for rows in (first, second)
        )
        self.group = group
        counts = [len(one.features) for one in (self.first, self.second)]
        equal = counts[0] == counts[1]
        refuse(None if equal else f"second: expected {counts[0]} rows, as many as first, got {counts[1]}", group)

    @cached_property
    def varied(self) -> bool:
        """Whether both sets have any variance."""
        return all(map(_varied, (self.first, self.second)))

    @cached_property
    def cross(self) -> Tensor:
        """`Σ_i (x_i − x̄)(y_i − ȳ)ᵀ` `[D, E]`, float64."""
        means = [one.spectrum.moments.mean for one in (self.first, self.second)]
        total = means[0].new_zeros(len(means[0]), len(means[1]))
        for part, rows in in_float64(self.first.features):
            total += (rows - means[0]).T @ (self.second.features[part].double() - means[1])
        return all_reduce(total, self.group)


def _varied(samples: Samples) -> bool:
    moments = samples.spectrum.moments
    squares = moments.scatter.trace() + moments.number * moments.mean.square().sum()
    return bool(moments.scatter.trace() > _ROUNDING * squares)
