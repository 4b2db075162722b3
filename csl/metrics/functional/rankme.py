"""RankMe: how many directions the features use, by their singular values."""

import torch
from torch import Tensor

from csl.distributed import Group
from csl.metrics.functional.comoments import Comoments, comoments, reduce_comoments, singular_values
from csl.metrics.functional.helpers import undefined
from csl.pairwise.checks import check_features


def rankme(features: Tensor, *, group: Group = None) -> Tensor:
    """RankMe: the exponential of the entropy of the singular values of the features as they are.

    `exp(−Σ_k p_k log p_k)` with `p_k = σ_k / Σ σ` for the singular values σ of the `[N, D]` features, *not* centred:
    a large common offset is one large σ and lowers it. Between 1 (one direction: a collapsed encoder) and min(N, D);
    high predicts better linear accuracy among encoders trained alike. See Garrido et al., "RankMe: Assessing the
    downstream performance of pretrained self-supervised representations by their rank" (2023, arXiv 2210.02885), whose
    formula adds 1e-7 to each p_k against log 0; here 0 log 0 is 0.

    The package reptrix calls another value RankMe: that of the eigenvalues of the centred covariance, which is
    `effective_rank` here. The σ are square roots of the eigenvalues of the D×D sums of products in float64, so that no
    features have to be kept and processes add up; those under about 1e-7 of the largest σ are lost to rounding.

    Args:
        features: This process's rows `[n, D]`, any floating dtype.
        group: The processes that hold the other rows; None for one process.

    Returns:
        float64 scalar; NaN, with a warning, for no samples or if all features are zero.

    Raises:
        ValueError: If features are no finite matrix.

    Example:
        >>> rankme(torch.eye(4)).round(decimals=6)
        tensor(4., dtype=torch.float64)
    """
    check_features(features, group)
    return rank_of_features(reduce_comoments(comoments(features), group))


def rank_of_features(moments: Comoments) -> Tensor:
    """RankMe of samples with these moments."""
    values = singular_values(moments)
    if not len(values):
        return undefined("RankMe", "there is no sample that is not zero", moments.mean)
    return entropy_rank(values)


def entropy_rank(values: Tensor) -> Tensor:
    """The exponential of the entropy of positive values `[K]`: how many of them there are, by weight.

    Example:
        >>> entropy_rank(torch.tensor([1.0, 1.0]))
        tensor(2.)
    """
    shares = values / values.sum()
    return (-torch.xlogy(shares, shares).sum()).exp()
