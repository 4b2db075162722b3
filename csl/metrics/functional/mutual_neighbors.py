"""Mutual nearest neighbours: do two encoders give the same samples the same neighbourhoods?"""

import torch
from torch import Tensor

from csl.checks import check_positive
from csl.distributed import Group, all_reduce
from csl.metrics.twins import Twins
from csl.metrics.undefined import undefined


def mutual_neighbors(first: Tensor, second: Tensor, k: int = 10, *, group: Group = None) -> Tensor:
    """Mean share of a sample's k nearest others by cosine that it has in both of two sets of features.

    `mean_i |N_k(i) ∩ N'_k(i)| / k`. Between 0 and 1; k / (N − 1) by chance, 1 where all neighbourhoods are the same,
    whatever the global shape. See Huh et al., "The Platonic Representation Hypothesis" (2024, arXiv 2405.07987).

    Args:
        first: This process's rows of one set `[n, D]`, any floating dtype.
        second: The same samples in the other `[n, E]`.
        k: Number of neighbours.
        group: The processes that hold the other rows; None for one process.

    Returns:
        float64 scalar; NaN, with a warning, for k of N or more.

    Raises:
        ValueError: If one is no finite matrix, they have not as many rows, or k is below 1.

    Example:
        >>> x = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
        >>> mutual_neighbors(x, x.flip(1), k=1)
        tensor(1., dtype=torch.float64)
    """
    check_positive(k=k)
    return shared_neighbors(Twins(first, second, group), k)


def shared_neighbors(twins: Twins, k: int) -> Tensor:
    """The mean share of two sets that others compare, too."""
    one, other = twins.first, twins.second
    total = one.shard.total
    if k >= total:
        reason = f"there are {max(total - 1, 0)} other samples"
        return undefined(f"mutual neighbours at k = {k}", reason, one.features)
    common = torch.zeros((), dtype=torch.float64, device=one.features.device)
    for (_, _, keys), (_, _, others) in zip(one.nearest(k), other.nearest(k), strict=True):
        both = torch.cat([keys, others], dim=1).sort(dim=1).values  # what is there twice is in both
        common += (both[:, 1:] == both[:, :-1]).sum()
    return all_reduce(common, twins.group) / (k * total)
