"""Davies–Bouldin score: how much each class overlaps with the one most like it."""

import math

import torch
from torch import Tensor

from csl.distributed import Group, all_reduce
from csl.metrics.measure import Family, Measure, rows
from csl.metrics.moments import Moments
from csl.metrics.samples import Samples
from csl.metrics.undefined import undefined
from csl.pairwise import blocks, in_float64

_PAIRS = 2**22  # pairs of classes looked at at a time
_ROUNDING = 1e-12  # share of the features' root mean square below which a distance between class means is rounding


def davies_bouldin_score(features: Tensor, labels: Tensor, *, group: Group = None) -> Tensor:
    """Davies–Bouldin score: the mean over classes of the worst ratio of spreads to the distance of the means.

    `DB = 1/C Σ_c max_{c' ≠ c} (s_c + s_c') / ‖m_c − m_c'‖` with s_c the mean Euclidean distance of c's samples to
    their mean m_c. It is 0 or more, *low* where classes are globally dense and far apart. See Davies, Bouldin, "A
    cluster separation measure" (1979). scikit-learn and torchmetrics compute the same on one process; this one adds
    the sums of all processes, in float64, and keeps no more than C means.

    Args:
        features: This process's rows `[n, D]`, any floating dtype.
        labels: Their classes `[n]`, any integers but −1.
        group: The processes that hold the other rows; None for one process.

    Returns:
        float64 scalar; NaN, with a warning, for fewer than two classes, as many classes as samples, or two classes
        with the same mean.

    Raises:
        ValueError: If features are no finite matrix, or labels do not match or hold −1.

    Example:
        >>> x = torch.tensor([[0.0], [1.0], [4.0], [5.0]])
        >>> davies_bouldin_score(x, torch.tensor([0, 0, 1, 1]))
        tensor(0.2500, dtype=torch.float64)
    """
    return DAVIES_BOULDIN.of(Samples(features, labels, group=group))


def _overlap(samples: Samples) -> Tensor:
    moments, features = samples.class_moments, samples.features
    num_classes, num_samples = len(moments.classes), int(moments.counts.sum())
    if num_classes < 2:
        return undefined("Davies-Bouldin score", f"it needs at least two classes, got {num_classes}", features)
    if num_samples <= num_classes:
        reason = f"it needs more samples than classes, got {num_samples} samples of {num_classes} classes"
        return undefined("Davies-Bouldin score", reason, features)
    squares = (moments.scatter.sum() + (moments.counts[:, None] * moments.means.square()).sum()) / num_samples
    spreads = all_reduce(_spread_sums(features, samples.labels, moments), samples.group) / moments.counts
    worst = torch.zeros_like(spreads)
    for part in blocks(num_classes, max(1, _PAIRS // num_classes)):
        distances = torch.cdist(moments.means[part], moments.means, compute_mode="donot_use_mm_for_euclid_dist")
        distances[:, part].fill_diagonal_(torch.inf)
        if bool(distances.amin() <= _ROUNDING * squares.sqrt()):
            return undefined("Davies-Bouldin score", "two classes have the same mean", features)
        worst[part] = ((spreads[part, None] + spreads) / distances).amax(dim=1)
    return worst.mean()


def _spread_sums(features: Tensor, labels: Tensor, moments: Moments) -> Tensor:
    """Sums over these rows of the distance to their class's mean `[C]`."""
    sums = torch.zeros_like(moments.counts)
    for part, values in in_float64(features):
        index = torch.searchsorted(moments.classes, labels[part])
        sums.index_add_(0, index, (values - moments.means[index]).norm(dim=1))
    return sums


DAVIES_BOULDIN = Measure(
    name="davies_bouldin",
    function=davies_bouldin_score,
    score=_overlap,
    family=Family.GLOBAL,
    meaning="low: no class overlaps with the next one",
    paper="Davies and Bouldin, 1979",
    cost=rows,
    range=(0, math.inf),
    higher_is_better=False,
    needs="labels",
)
