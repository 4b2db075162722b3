"""Information imbalance: do the neighbourhoods of one set of features tell those of another?"""

import torch
from torch import Tensor

from csl.distributed import Group
from csl.metrics.twins import Twins
from csl.metrics.undefined import undefined
from csl.pairwise import nearest_rows, ranks


def information_imbalance(first: Tensor, second: Tensor, *, group: Group = None) -> Tensor:
    """How badly the nearest neighbour in one set of features predicts nearness in another, both ways.

    `Δ(A → B) = 2 / N · mean_i r^B(i, n_A(i))`: the rank by Euclidean distance in B, 1 for the nearest, of the sample
    that is nearest in A. 2 / N where all nearest neighbours are the same, about 1 where A tells nothing of B. Two
    values near 0: both have the same neighbourhoods; a low one and a high one: the first set knows what the second
    does, and more. See Glielmo, Zeni, Cheng, Csányi, Laio, "Ranking the information content of distance measures"
    (2022, arXiv 2104.15079).

    The value is exact: all pairs count, none of them in an N×N array. Of equally near samples the first is the nearest
    neighbour; equally far ones share their mean rank.

    Args:
        first: This process's rows of one set `[n, D]`, any floating dtype.
        second: The same samples in the other `[n, E]`.
        group: The processes that hold the other rows; None for one process.

    Returns:
        float64 `[2]`: from first to second, and from second to first; NaN, with a warning, for fewer than two samples.

    Raises:
        ValueError: If one is no finite matrix, or they have not as many rows.

    Example:
        >>> line = torch.tensor([[0.0], [1.0], [3.0], [7.0]])
        >>> information_imbalance(line, -2 * line)
        tensor([0.5000, 0.5000], dtype=torch.float64)
    """
    return imbalance_of(Twins(first, second, group))


def imbalance_of(twins: Twins) -> Tensor:
    """Both imbalances of two sets that others compare, too."""
    total = twins.first.shard.total
    if total < 2:
        return undefined(
            "information imbalance", f"it needs at least two samples, got {total}", twins.first.features, 2
        )
    first, second = (one.pairs(3) for one in (twins.first, twins.second))
    nearest = nearest_rows(first), nearest_rows(second)
    means = [ranks(second, nearest[0]).mean(), ranks(first, nearest[1]).mean()]
    return torch.stack(means) * (2 / total)
