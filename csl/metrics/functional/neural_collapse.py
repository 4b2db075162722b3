"""Neural collapse: has each class become one point, and do these points form a regular simplex?"""

import math

import torch
from torch import Tensor

from csl.distributed import Group, all_reduce
from csl.metrics.measure import Family, Measure, Size
from csl.metrics.samples import Samples
from csl.metrics.undefined import undefined, warn_lost_digits
from csl.pairwise import blocks, in_float64

_ROWS = 1024  # of the class-by-class cosines that are looked at together
_ROUNDING = 1e-12  # share of the features' root mean square below which a distance of means is rounding
_SIX_DIGITS = 1e-9  # of the largest singular value of the class means: float64 holds six digits of one no smaller


def neural_collapse(features: Tensor, labels: Tensor, *, group: Group = None) -> Tensor:
    """How far the classes have collapsed, by four numbers.

    With class means m_c, the mean m of all samples, `Σ_W = mean_i (x_i − m_c)(x_i − m_c)ᵀ` and
    `Σ_B = mean_c (m_c − m)(m_c − m)ᵀ`:

    - NC1, variability: `tr(Σ_W Σ_B⁺) / C`; 0 where each class is one point.
    - NC2, norms: standard deviation over mean of `‖m_c − m‖`; 0 where all classes are equally far out.
    - NC2, angles: mean over pairs of classes of `|cos(m_c − m, m_c' − m) + 1 / (C − 1)|`; 0 for a regular simplex.
    - NC4, the share of samples whose nearest class mean is that of their class; 1 where classes are one clump each.

    NC3, and NC4 in the paper, compare with the weights of a trained classifier, which features alone do not have:
    `classifier_collapse`. See Papyan, Han, Donoho, "Prevalence of neural collapse during the terminal phase of deep
    learning training" (2020, arXiv 2008.08186). Supervised encoders collapse; contrastive ones
    keep a class in many clumps.

    Args:
        features: This process's rows `[n, D]`, any floating dtype.
        labels: Their classes `[n]`, any integers but −1.
        group: The processes that hold the other rows; None for one process.

    Returns:
        float64 `[4]`: NC1, both NC2, NC4; NaN, with a warning, for fewer than two classes or a class whose mean is
        that of all samples.

    Raises:
        ValueError: If features are no finite matrix, or labels do not match or hold −1.

    Example:
        >>> x = torch.tensor([[0.0, 1.0], [0.0, 1.0], [4.0, 0.0], [4.0, 0.0]])
        >>> neural_collapse(x, torch.tensor([0, 0, 1, 1])).round(decimals=9).abs()
        tensor([0., 0., 0., 1.], dtype=torch.float64)
    """
    return NEURAL_COLLAPSE.of(Samples(features, labels, group=group))


def _collapse(samples: Samples) -> Tensor:
    moments, features = samples.class_moments, samples.features
    count = len(moments.classes)
    if count < 2:
        return undefined("neural collapse", f"it needs at least two classes, got {count}", features, 4)
    centers = moments.means - moments.overall.means
    norms = centers.norm(dim=1)
    squares = moments.scatter.sum() + (moments.counts[:, None] * moments.means.square()).sum()
    if bool(norms.amin() <= _ROUNDING * (squares / samples.shard.total).sqrt()):
        return undefined("neural collapse", "a class has the mean of all samples", features, 4)
    spread, right = _within(samples, *_axes(centers))
    return torch.stack([spread / count, norms.std(correction=0) / norms.mean(), _skew(centers / norms[:, None]), right])


def _axes(centers: Tensor) -> tuple[Tensor, Tensor]:
    """The directions `[K, D]` in which class means differ, and the eigenvalues of Σ_B there `[K]`."""
    _, values, directions = torch.linalg.svd(centers, full_matrices=False)
    values = values[: len(centers) - 1]  # they add up to zero: one direction fewer than classes is real
    directions = directions[: len(values)]
    real = values > max(centers.shape) * torch.finfo(values.dtype).eps * values.amax()
    if bool(values[real].amin() < _SIX_DIGITS * values.amax()):
        warn_lost_digits("neural collapse", f"some class means differ by under {_SIX_DIGITS:g} of what others do")
    return directions[real], values[real].square() / len(centers)


def _skew(units: Tensor) -> Tensor:
    """How far the cosines between class means are from those of a regular simplex."""
    count, total = len(units), units.new_zeros(())
    for part in blocks(count, _ROWS):
        off = (units[part] @ units.T + 1 / (count - 1)).abs()
        off[:, part].fill_diagonal_(0)
        total += off.sum()
    return total / (count * (count - 1))


def _within(samples: Samples, axes: Tensor, eigenvalues: Tensor) -> tuple[Tensor, Tensor]:
    """`tr(Σ_W Σ_B⁺)`, and the share of samples to which the mean of their class is nearest, in one pass."""
    centers = samples.class_moments.means - samples.class_moments.overall.means
    middle, own = samples.class_moments.overall.means[0], samples.classes.own
    half = centers.square().sum(dim=1) / 2
    sums = torch.zeros(2, dtype=torch.float64, device=centers.device)
    for part, rows in in_float64(samples.features):
        rows, index = rows - middle, own[part]
        sums[0] += ((rows - centers[index]) @ axes.T).square().div(eigenvalues).sum()
        sums[1] += ((rows @ centers.T - half).argmax(dim=1) == index).sum()
    spread, right = all_reduce(sums, samples.group) / samples.shard.total
    return spread, right


def _cost(size: Size) -> float:
    return (3.0 * size.classes + 10.0) * size.samples * size.dimension


NEURAL_COLLAPSE = Measure(
    name="neural_collapse",
    function=neural_collapse,
    score=_collapse,
    names=lambda: ["nc1_variability", "nc2_norms", "nc2_angles", "nc4_nearest_mean"],
    family=Family.GLOBAL,
    meaning="nc1 and nc2 0, nc4 1: each class is one point, all equally far apart",
    paper="Papyan, Han and Donoho, 2020, arXiv 2008.08186",
    cost=_cost,
    by_blocks=True,
    range=(0, math.inf),
    higher_is_better=None,
    needs="labels",
)
