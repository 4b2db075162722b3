"""Class affinity: which classes share neighbourhoods."""

from typing import Unpack

import torch
from torch import Tensor

from csl.distributed import Group
from csl.metrics.functional.helpers import check_input, class_index, undefined
from csl.pairwise import Streaming, UndefinedSimilarityError, weight_block_sums
from csl.pairwise.checks import check_temperatures


def class_affinity(
    features: Tensor, labels: Tensor, temperature: float, *, group: Group = None, **streaming: Unpack[Streaming]
) -> Tensor:
    """The share of all similarity that lies between each two classes.

    `A_cc' = Σ_{i in c, j in c'} w_ij / Σ_ij w_ij` with `w_ij = N² a_ij² / (r_i r_j)`,
    `a_ij = exp(−d_ij / (mu T))`, `r_i = Σ_{j ≠ i} a_ij` and mu the mean distance; the diagonal holds what stays within
    a class. Entries lie between 0 and 1; a high trace means that neighbourhoods keep to one class. See Zhang, Lu, Xuan,
    "How Does Contrastive Learning Organize Images?" (2024, arXiv 2305.10229).

    Args:
        features: This process's rows `[n, D]`, any floating dtype.
        labels: Their classes `[n]`, any integers but −1.
        temperature: T; smaller looks at closer neighbours.
        group: The processes that hold the other rows; None for one process.
        **streaming: `memory_budget`, `precision`, `progress`; see `csl.pairwise.Streaming`.

    Returns:
        float64 `[C, C]`, symmetric, summing to 1, classes in ascending order of their labels; all NaN, with a
        warning, for fewer than two samples or collapsed features.

    Raises:
        ValueError: If features are no finite matrix, labels do not match or hold −1, or T is not positive.

    Example:
        >>> x = torch.tensor([[0.0], [0.1], [5.0], [5.1]])
        >>> class_affinity(x, torch.tensor([3, 3, 7, 7]), 0.1).round(decimals=3)
        tensor([[0.5000, 0.0000],
                [0.0000, 0.5000]], dtype=torch.float64)
    """
    values = check_temperatures([temperature])
    check_input(features, labels, group)
    index, classes = class_index(labels.to(features.device), group)
    try:
        sums = weight_block_sums(features, index, len(classes), values, group=group, **streaming)[0]
    except UndefinedSimilarityError as error:
        return undefined("class affinity", error, features, len(classes), len(classes))
    return sums / sums.sum()


def share_within(affinity: Tensor) -> Tensor:
    """The share of similarity that stays within classes, of an affinity `[C, C]`; NaN for no classes.

    Example:
        >>> share_within(torch.tensor([[0.5, 0.1], [0.1, 0.3]]))
        tensor(0.8000)
    """
    return affinity.trace() if len(affinity) else affinity.new_full((), torch.nan)
