"""Effective rank of the features' covariance."""

import math

from torch import Tensor

from csl.distributed import Group
from csl.metrics.comoments import Spectrum, entropy_rank
from csl.metrics.measure import Family, Measure
from csl.metrics.measure import spectrum as spectrum_cost
from csl.metrics.samples import Samples
from csl.metrics.undefined import undefined


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
    return EFFECTIVE_RANK.of(Samples(features, group=group))


def _rank(spectrum: Spectrum) -> Tensor:
    if not len(spectrum.covariance):
        return undefined("effective rank", "the features have no variance", spectrum.moments.mean)
    return entropy_rank(spectrum.covariance)


EFFECTIVE_RANK = Measure(
    name="effective_rank",
    function=effective_rank,
    score=_rank,
    source=lambda samples: samples.spectrum,
    family=Family.UNSUPERVISED,
    meaning="1 to D; high: variance in many directions",
    paper="Roy and Vetterli, 2007",
    cost=spectrum_cost,
    by_blocks=True,
    range=(1, math.inf),
    higher_is_better=True,
)
