"""Alpha-ReQ: how fast the spectrum of the covariance falls."""

import math

import torch
from torch import Tensor

from csl.distributed import Group
from csl.metrics.comoments import Spectrum
from csl.metrics.measure import Family, Measure, Options
from csl.metrics.measure import spectrum as spectrum_cost
from csl.metrics.samples import Samples
from csl.metrics.undefined import undefined, warn_lost_digits

_SIX_DIGITS = 1e-9  # of the largest eigenvalue: float64 holds six digits of one that is no smaller


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
        float64 scalar; NaN, with a warning, if the range holds fewer than two eigenvalues. A warning, too, where
        float64 has no digits for them beside the largest.

    Raises:
        ValueError: If features are no finite matrix, or the range is none.

    Example:
        >>> x = torch.randn(200, 16, generator=torch.Generator().manual_seed(0)) / torch.arange(1, 17)
        >>> bool(1.5 < alpha_req(x, first=1) < 2.5)  # the variances are k^−2
        True
    """
    return ALPHA_REQ.of(Samples(features, group=group), first=first, last=last)


def _options(first: int = 11, last: int = 100) -> Options:
    if not 1 <= first < last:
        raise ValueError(f"first, last: expected 1 or more and ascending, got {first} and {last}")
    return {"first": first, "last": last}


def _decay(spectrum: Spectrum, first: int, last: int) -> Tensor:
    values = spectrum.covariance[first - 1 : last]
    if spectrum.has_one_direction(_SIX_DIGITS):
        warn_lost_digits("alpha-ReQ", f"all eigenvalues but one are under {_SIX_DIGITS:g} of the largest")
    if len(values) < 2:
        reason = f"of eigenvalues {first} to {last}, {len(values)} exist; it needs two"
        return undefined("alpha-ReQ", reason, spectrum.moments.mean)
    k = torch.arange(first, first + len(values), dtype=torch.float64, device=values.device)
    weights = (1 / k) / (1 / k).sum()
    x, y = -k.log(), values.log()
    x = x - (weights * x).sum()
    return (weights * x * y).sum() / (weights * x * x).sum()


ALPHA_REQ = Measure(
    name="alpha_req",
    function=alpha_req,
    score=_decay,
    source=lambda samples: samples.spectrum,
    options=_options,
    family=Family.UNSUPERVISED,
    meaning="about 1 is best; high: few directions; 0: white noise",
    paper="Agrawal et al., 2022, NeurIPS",
    cost=spectrum_cost,
    by_blocks=True,
    range=(0, math.inf),
    higher_is_better=None,
    best=1.0,
)
