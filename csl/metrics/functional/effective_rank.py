"""Effective rank of the features' covariance."""

from torch import Tensor

from csl.distributed import Group
from csl.metrics.functional.comoments import Comoments, comoments, covariance_eigenvalues, reduce_comoments
from csl.metrics.functional.helpers import undefined
from csl.metrics.functional.rankme import entropy_rank
from csl.pairwise.checks import check_features


def effective_rank(features: Tensor, *, group: Group = None) -> Tensor:
    """Effective rank of the covariance: the exponential of the entropy of its eigenvalues λ.

    `exp(−Σ_k p_k log p_k)` with `p_k = λ_k / Σ λ`. Between 1 and min(N − 1, D): high where variance spreads over many
    directions, 1 where it lies in one (dimensional collapse). Shifting, rotating or scaling the features changes
    nothing. See Roy, Vetterli, "The effective rank: a measure of effective dimensionality" (2007). The package reptrix
    computes the same under the name `get_rankme`; `rankme` here is the paper's.

    Args:
        features: This process's rows `[n, D]`, any floating dtype.
        group: The processes that hold the other rows; None for one process.

    Returns:
        float64 scalar; NaN, with a warning, for fewer than two samples or if all are the same.

    Raises:
        ValueError: If features are no finite matrix.

    Example:
        >>> import torch
        >>> effective_rank(torch.eye(4)).round(decimals=6)
        tensor(3., dtype=torch.float64)
    """
    check_features(features, group)
    return rank_of_covariance(reduce_comoments(comoments(features), group))


def rank_of_covariance(moments: Comoments) -> Tensor:
    """The effective rank of the covariance of samples with these moments."""
    values = covariance_eigenvalues(moments)
    if not len(values):
        return undefined("effective rank", "the features have no variance", moments.mean)
    return entropy_rank(values)
