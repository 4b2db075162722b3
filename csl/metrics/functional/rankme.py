"""RankMe: how many directions the features use, by their singular values."""

import math

from torch import Tensor

from csl.distributed import Group
from csl.metrics.comoments import Spectrum, entropy_rank
from csl.metrics.measure import Family, Measure
from csl.metrics.measure import spectrum as spectrum_cost
from csl.metrics.samples import Samples
from csl.metrics.undefined import undefined, warn_lost_digits

_SEEN = 1e-12  # of the largest eigenvalue: what smaller ones add to the value is not right to six digits


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
        float64 scalar; NaN, with a warning, for no samples or if all features are zero. A warning, too, where one
        sample is so far away that the others' σ are lost.

    Raises:
        ValueError: If features are no finite matrix.

    Example:
        >>> import torch
        >>> rankme(torch.eye(4)).round(decimals=6)
        tensor(4., dtype=torch.float64)
    """
    return RANKME.of(Samples(features, group=group))


def _rank(spectrum: Spectrum) -> Tensor:
    if not len(spectrum.singular_values):
        return undefined("RankMe", "there is no sample that is not zero", spectrum.moments.mean)
    if spectrum.has_one_direction(_SEEN):
        warn_lost_digits("RankMe", f"all but one direction have under {_SEEN:g} of the variance of the first")
    return entropy_rank(spectrum.singular_values)


RANKME = Measure(
    name="rankme",
    function=rankme,
    score=_rank,
    source=lambda samples: samples.spectrum,
    family=Family.UNSUPERVISED,
    meaning="1 to D; high: many directions in use",
    paper="Garrido et al., 2023, arXiv 2210.02885",
    cost=spectrum_cost,
    by_blocks=True,
    range=(1, math.inf),
    higher_is_better=True,
)
