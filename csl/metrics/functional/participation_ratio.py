"""Participation ratio of the features' covariance."""

from torch import Tensor

from csl.distributed import Group
from csl.metrics.functional.comoments import Comoments, comoments, covariance_eigenvalues, reduce_comoments
from csl.metrics.functional.helpers import undefined
from csl.pairwise.checks import check_features


def participation_ratio(features: Tensor, *, group: Group = None) -> Tensor:
    """Participation ratio `(Σ λ)² / Σ λ²` of the eigenvalues λ of the covariance.

    Between 1 and min(N − 1, D): how many directions share the variance, high where it is spread evenly. Large λ count
    for more than in `effective_rank`, which is never below it. Shifting, rotating or scaling the features changes
    nothing. See Gao et al., "A theory of multineuronal dimensionality, dynamics and measurement" (2017, bioRxiv
    214262).

    Args:
        features: This process's rows `[n, D]`, any floating dtype.
        group: The processes that hold the other rows; None for one process.

    Returns:
        float64 scalar; NaN, with a warning, for fewer than two samples or if all are the same.

    Raises:
        ValueError: If features are no finite matrix.

    Example:
        >>> import torch
        >>> participation_ratio(torch.eye(4)).round(decimals=6)
        tensor(3., dtype=torch.float64)
    """
    check_features(features, group)
    return participation(reduce_comoments(comoments(features), group))


def participation(moments: Comoments) -> Tensor:
    """The participation ratio of samples with these moments."""
    values = covariance_eigenvalues(moments)
    if not len(values):
        return undefined("participation ratio", "the features have no variance", moments.mean)
    shares = values / values.sum()
    return 1 / shares.square().sum()
