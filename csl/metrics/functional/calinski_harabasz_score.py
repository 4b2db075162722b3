"""Calinski–Harabasz score: how compact and how far apart the classes are as wholes."""

import math

from torch import Tensor

from csl.distributed import Group
from csl.metrics.measure import Family, Measure, rows
from csl.metrics.moments import Moments
from csl.metrics.samples import Samples
from csl.metrics.undefined import undefined

_ROUNDING = 1e-28  # share of the features' sum of squares that is rounding, not dispersion, in float64


def calinski_harabasz_score(features: Tensor, labels: Tensor, *, group: Group = None) -> Tensor:
    """Calinski–Harabasz score (CHS): dispersion between classes over dispersion within them.

    `CHS = [Σ_c n_c ‖m_c − m‖² / (C − 1)] / [Σ_c Σ_{i in c} ‖x_i − m_c‖² / (N − C)]` with class means m_c. It is 0 or
    more, about 1 for a labelling independent of the features, and high where each class is one dense clump. See
    Caliński, Harabasz, "A dendrite method for cluster analysis" (1974). scikit-learn computes the same from all
    features in one process's memory; here each process's sums of each class are added, and no features are kept.

    Args:
        features: This process's rows `[n, D]`, any floating dtype.
        labels: Their classes `[n]`, any integers but −1.
        group: The processes that hold the other rows; None for one process.

    Returns:
        float64 scalar; NaN, with a warning, for fewer than two classes, as many classes as samples, or no dispersion
        within any class.

    Raises:
        ValueError: If features are no finite matrix, or labels do not match or hold −1.

    Example:
        >>> import torch
        >>> x = torch.tensor([[0.0], [1.0], [4.0], [5.0]])
        >>> calinski_harabasz_score(x, torch.tensor([0, 0, 1, 1]))
        tensor(32., dtype=torch.float64)
    """
    return CALINSKI_HARABASZ.of(Samples(features, labels, group=group))


def _dispersion_ratio(moments: Moments) -> Tensor:
    num_classes, num_samples = len(moments.classes), moments.counts.sum()
    if reason := _undefined(moments):
        return undefined("Calinski-Harabasz score", reason, moments.means)
    within = moments.scatter.sum()
    between = moments.overall.scatter.sum() - within
    return between / within * (num_samples - num_classes) / (num_classes - 1)


def _undefined(moments: Moments) -> str | None:
    num_classes, num_samples = len(moments.classes), int(moments.counts.sum())
    if num_classes < 2:
        return f"it needs at least two classes, got {num_classes}"
    if num_samples <= num_classes:
        return f"it needs more samples than classes, got {num_samples} samples of {num_classes} classes"
    within = moments.scatter.sum()
    squares = within + (moments.counts[:, None] * moments.means.square()).sum()
    return "no class has any dispersion" if bool(within <= _ROUNDING * squares) else None


CALINSKI_HARABASZ = Measure(
    name="calinski_harabasz",
    function=calinski_harabasz_score,
    score=_dispersion_ratio,
    source=lambda samples: samples.class_moments,
    family=Family.GLOBAL,
    meaning="high: classes compact and far apart as wholes; 1 by chance",
    paper="Caliński and Harabasz, 1974",
    cost=rows,
    by_blocks=True,
    range=(0, math.inf),
    higher_is_better=True,
    needs="labels",
    every_pass=True,
)
