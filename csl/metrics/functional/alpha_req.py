"""Alpha-ReQ: how fast the spectrum of the covariance falls."""

import torch
from torch import Tensor

from csl.distributed import Group
from csl.metrics.functional.comoments import Comoments, comoments, covariance_eigenvalues, reduce_comoments
from csl.metrics.functional.helpers import undefined
from csl.pairwise.checks import check_features


def alpha_req(features: Tensor, first: int = 11, last: int = 100, *, group: Group = None) -> Tensor:
    """Alpha-ReQ: the exponent α of the power law `λ_k ∝ k^−α` that the covariance's eigenvalues follow.

    The slope of `log λ_k` over `−log k` for k = first … last, by least squares with weights 1 / k. It is 0 or more;
    representations generalize best with α about 1: far above, the variance lies in few directions, near 0 it is white
    noise. Shifting, rotating or scaling the features changes nothing. See Agrawal et al., "α-ReQ: Assessing
    Representation Quality in Self-Supervised Learning by measuring eigenspectrum decay" (2022, NeurIPS; no arXiv).
    Range and weights are those of the package reptrix, with which it agrees; that one fails for D < 100, where here the
    fit ends at the last eigenvalue that is not rounding.

    Args:
        features: This process's rows `[n, D]`, any floating dtype.
        first: The first eigenvalue of the fit, counted from 1.
        last: The last one.
        group: The processes that hold the other rows; None for one process.

    Returns:
        float64 scalar; NaN, with a warning, if the range holds fewer than two eigenvalues.

    Raises:
        ValueError: If features are no finite matrix, or the range is none.

    Example:
        >>> x = torch.randn(200, 16, generator=torch.Generator().manual_seed(0)) / torch.arange(1, 17)
        >>> bool(1.5 < alpha_req(x, first=1) < 2.5)  # the variances are k^−2
        True
    """
    check_range(first, last)
    check_features(features, group)
    return decay(reduce_comoments(comoments(features), group), first, last)


def check_range(first: int, last: int) -> None:
    """Refuse a range of eigenvalues in which no line could be fitted.

    Raises:
        ValueError: If it does not begin at 1 or later and hold two.
    """
    if not 1 <= first < last:
        raise ValueError(f"first and last must be 1 or more and ascending, got {first} and {last}")


def decay(moments: Comoments, first: int, last: int) -> Tensor:
    """The exponent of the spectrum of samples with these moments."""
    values = covariance_eigenvalues(moments)[first - 1 : last]
    if len(values) < 2:
        reason = f"of eigenvalues {first} to {last}, {len(values)} exist; it needs two"
        return undefined("alpha-ReQ", reason, moments.mean)
    k = torch.arange(first, first + len(values), dtype=torch.float64, device=values.device)
    weights = (1 / k) / (1 / k).sum()
    x, y = -k.log(), values.log()
    x = x - (weights * x).sum()
    return (weights * x * y).sum() / (weights * x * x).sum()
