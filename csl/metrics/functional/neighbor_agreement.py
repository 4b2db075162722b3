"""Neighbour agreement: how many of a sample's nearest neighbours have its class."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from csl.distributed import Group, all_reduce, gather_rows, row_counts
from csl.metrics.functional.helpers import check_input, warn_undefined
from csl.metrics.functional.neighbors import check_k, nearest
from csl.pairwise import Progress


def neighbor_agreement(
    features: Tensor, labels: Tensor, ks: int | Sequence[int], *, group: Group = None, progress: Progress | None = None
) -> Tensor:
    """Mean share of a sample's k nearest neighbours by cosine, itself left out, that have its class.

    Between 0 and 1; at small k high where the space is locally dense, at k near a class's size only where classes are
    globally dense. See Zhang, Lu, Xuan, "How Does Contrastive Learning Organize Images?" (2024, arXiv 2305.10229).

    Args:
        features: This process's rows `[n, D]`, any floating dtype.
        labels: Their classes `[n]`, any integers but −1.
        ks: Numbers of neighbours, one or several; all come from one pass.
        group: The processes that hold the other rows; None for one process.
        progress: Called now and then with the share of this process's work that is done, from 0 to 1.

    Returns:
        float64, a scalar for one k, `[K]` for a sequence; NaN, with a warning, for a k of N or more.

    Raises:
        ValueError: If features are no finite matrix, labels do not match or hold −1, or a k is below 1.

    Example:
        >>> x = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
        >>> neighbor_agreement(x, torch.tensor([0, 0, 1, 1]), [1, 2])
        tensor([1.0000, 0.5000], dtype=torch.float64)
    """
    single = isinstance(ks, int)
    values = check_ks([cast(int, ks)] if single else cast(Sequence[int], ks))
    check_input(features, labels, group)
    available = sum(row_counts(len(features), group)) - 1
    if too_many := [k for k in values if k > available]:
        warn_undefined(f"neighbour agreement at k = {too_many}", f"there are {max(available, 0)} other samples")
    result = torch.full((len(values),), torch.nan, dtype=torch.float64, device=features.device)
    usable = [k for k in values if k <= available]
    if usable:
        hits = _hits(features, labels.to(features.device).long(), max(usable), group, progress).cumsum(0)
        for position, k in enumerate(values):
            if k in usable:
                result[position] = hits[k - 1] / (k * (available + 1))
    return result[0] if single else result


def check_ks(ks: Sequence[int]) -> tuple[int, ...]:
    """The numbers of neighbours.

    Raises:
        ValueError: If there is none, or one below 1.
    """
    if not ks:
        raise ValueError("ks must hold at least one number of neighbours, got none")
    for k in ks:
        check_k(k, "ks")
    return tuple(ks)


def _hits(features: Tensor, labels: Tensor, k: int, group: Group, progress: Progress | None) -> Tensor:
    """How many samples of the group agree with their first, second, … k-th neighbour, float64 `[k]`."""
    all_labels = gather_rows(labels, group)
    hits = torch.zeros(k, dtype=torch.float64, device=features.device)
    for part, _, keys in nearest(features, k, group, progress):
        hits += (all_labels[keys] == labels[part, None]).sum(dim=0)
    return all_reduce(hits, group)
