"""Features on one footing: the training samples' mean and deviation, over all processes."""

import torch
from torch import Tensor

from csl.distributed import Group, all_reduce
from csl.pairwise import in_float64


def standardisation(values: Tensor, group: Group = None) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each dimension `[D]`, float64; 1 for the deviation of a constant one.

    Args:
        values: This process's training samples `[n, D]`; all processes' together are what is measured.
        group: The processes that share them.

    Example:
        >>> mean, deviation = standardisation(torch.tensor([[1.0, 7.0], [3.0, 7.0]]))
        >>> mean.tolist(), deviation.tolist()
        ([2.0, 7.0], [1.0, 1.0])
    """
    sums = values.new_zeros(values.shape[1] + 1, dtype=torch.float64)
    sums[-1] = len(values)
    for _, rows in in_float64(values):
        sums[:-1] += rows.sum(dim=0)
    sums = all_reduce(sums, group)
    mean = sums[:-1] / sums[-1]
    squares = torch.zeros_like(mean)
    for _, rows in in_float64(values):
        squares += (rows - mean).square().sum(dim=0)
    deviation = (all_reduce(squares, group) / sums[-1]).sqrt()
    largest = values.abs().amax(dim=0).double() if len(values) else torch.zeros_like(mean)
    # The deviation of a constant comes out as rounding, which must not be blown up to 1.
    rounding = 10 * torch.finfo(torch.float64).eps * all_reduce(largest, group, "max")
    return mean, torch.where(deviation > rounding, deviation, 1.0)
