"""Number, mean and D×D scatter of all samples: all that measures of the spectrum ask of the features."""

from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from csl.distributed import Group, all_reduce
from csl.pairwise import in_float64


class Comoments(NamedTuple):
    """First and second moments of samples, float64.

    Attributes:
        number: Number of samples, a scalar.
        mean: Their mean `[D]`.
        scatter: `Σ_i (x_i − mean)(x_i − mean)ᵀ` `[D, D]`.
    """

    number: Tensor
    mean: Tensor
    scatter: Tensor

    @property
    def gram(self) -> Tensor:
        """`Σ_i x_i x_iᵀ` `[D, D]`, not centred."""
        return self.scatter + self.number * torch.outer(self.mean, self.mean)


def comoments(features: Tensor) -> Comoments:
    """The moments of these rows `[N, D]`.

    Example:
        >>> comoments(torch.tensor([[1.0, 0.0], [3.0, 0.0]])).scatter
        tensor([[2., 0.],
                [0., 0.]], dtype=torch.float64)
    """
    dimension = features.shape[1]
    zero = torch.zeros((), dtype=torch.float64, device=features.device)
    held = Comoments(zero, zero.new_zeros(dimension), zero.new_zeros(dimension, dimension))
    for _, rows in in_float64(features):
        mean = rows.mean(dim=0)
        centered = rows - mean
        held = merge(held, Comoments(zero + len(rows), mean, centered.T @ centered))
    return held


def merge(first: Comoments, second: Comoments) -> Comoments:
    """The moments of both sets of samples; deviations are measured from means, so that an offset costs no digits."""
    count = first.number + second.number
    if not bool(count):
        return first
    step = second.mean - first.mean
    mean = first.mean + step * (second.number / count)
    between = torch.outer(step, step) * (first.number * second.number / count)
    return Comoments(count, mean, first.scatter + second.scatter + between)


def reduce_comoments(own: Comoments, group: Group = None) -> Comoments:
    """The moments of the whole group's samples, on every process; two `[D, D]` sums cross the processes."""
    count = all_reduce(own.number, group)
    mean = all_reduce(own.mean * (own.number / count.clamp(min=1)), group)
    step = own.mean - mean
    return Comoments(count, mean, all_reduce(own.scatter + own.number * torch.outer(step, step), group))


class Spectrum:
    """What eigenvalues samples with these moments have; those that are rounding are left out.

    Args:
        moments: Of the whole group's samples.
    """

    def __init__(self, moments: Comoments) -> None:
        self.moments = moments

    @cached_property
    def covariance(self) -> Tensor:
        """The eigenvalues of the covariance, descending, at most min(N − 1, D) of them."""
        return _eigenvalues(self.moments.scatter, self.moments, int(self.moments.number) - 1)

    @cached_property
    def singular_values(self) -> Tensor:
        """The singular values of the features `[N, D]` as they are, not centred, descending, at most min(N, D)."""
        return _eigenvalues(self.moments.gram, self.moments, int(self.moments.number)).sqrt()

    def has_one_direction(self, share: float) -> bool:
        """Whether the second eigenvalue of the covariance is below this share of the first: one sample is far away."""
        values = self.covariance
        possible = min(len(self.moments.mean), int(self.moments.number) - 1)
        return possible > 1 and len(values) > 0 and (len(values) == 1 or bool(values[1] < share * values[0]))


def _eigenvalues(matrix: Tensor, moments: Comoments, rank: int) -> Tensor:
    """The eigenvalues of a `[D, D]` sum of squares over these samples, without those of the size of its rounding."""
    values: Tensor = torch.linalg.eigvalsh(matrix).flip(0)[: max(rank, 0)]
    # What an offset leaves of the digits counts, too: features far from the origin are exact to 1e-16 of the offset.
    offset = moments.number * (torch.finfo(torch.float64).eps * moments.mean).square().sum()
    floor = len(matrix) * torch.finfo(torch.float64).eps * values.amax() + offset if len(values) else offset
    return values[values > floor]


def entropy_rank(values: Tensor) -> Tensor:
    """The exponential of the entropy of positive values `[K]`: how many of them there are, by weight.

    Example:
        >>> entropy_rank(torch.tensor([1.0, 1.0]))
        tensor(2.)
    """
    shares = values / values.sum()
    return (-torch.xlogy(shares, shares).sum()).exp()
