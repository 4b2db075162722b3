"""Participation ratio of the features' covariance."""

import math

from torch import Tensor

from csl.distributed import Group
from csl.metrics.comoments import Spectrum
from csl.metrics.measure import Family, Measure
from csl.metrics.measure import spectrum as spectrum_cost
from csl.metrics.samples import Samples
from csl.metrics.undefined import undefined


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
    return PARTICIPATION_RATIO.of(Samples(features, group=group))


def _participation(spectrum: Spectrum) -> Tensor:
    values = spectrum.covariance
    if not len(values):
        return undefined("participation ratio", "the features have no variance", spectrum.moments.mean)
    shares = values / values.sum()
    return 1 / shares.square().sum()


PARTICIPATION_RATIO = Measure(
    name="participation_ratio",
    function=participation_ratio,
    score=_participation,
    source=lambda samples: samples.spectrum,
    family=Family.UNSUPERVISED,
    meaning="1 to D; high: variance evenly shared",
    paper="Gao et al., 2017, bioRxiv 214262",
    cost=spectrum_cost,
    by_blocks=True,
    range=(1, math.inf),
    higher_is_better=True,
)
