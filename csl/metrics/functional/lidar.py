"""LiDAR: the effective rank of what tells images apart, against what their views differ in."""

import math

import torch
from torch import Tensor

from csl.checks import check_range
from csl.distributed import Group, all_reduce
from csl.metrics.comoments import entropy_rank
from csl.metrics.measure import Family, Measure, Options
from csl.metrics.measure import spectrum as spectrum_cost
from csl.metrics.moments import Moments
from csl.metrics.samples import Samples
from csl.metrics.undefined import undefined, warn_lost_digits
from csl.pairwise import in_float64


def lidar(features: Tensor, labels: Tensor, delta: float = 1e-4, *, group: Group = None) -> Tensor:
    """LiDAR, the linear discriminant analysis rank of features of several views of each image.

    The exponential of the entropy of the eigenvalues of `Σ_w^(−1/2) Σ_b Σ_w^(−1/2)`, each divided by their sum, where
    Σ_b is the covariance of the images' means over their views and Σ_w the mean over images of the covariance of their
    views, plus δ on the diagonal. Between 1 and min(images − 1, D), high where many directions tell images apart that
    views do not differ in; at its most informative with about 50 views of 1,000 images or more. It takes views: give
    the image's number as the label. With classes as labels it is the same rank of the classes, at most C − 1. See
    Thilak et al., "LiDAR: Sensing Linear Probing Performance in Joint Embedding SSL Architectures" (2023, arXiv
    2312.04000), whose formula adds 1e-7 to each share against log 0; here 0 log 0 is 0.

    The package reptrix takes the discriminant matrix for a data matrix and its principal components for the
    eigenvalues: shares of squares, where the paper has shares of the eigenvalues themselves. Its numbers are lower.

    Args:
        features: This process's rows `[n, D]`, any floating dtype.
        labels: Which image each row is a view of `[n]`, any integers but −1; each image has two views or more.
        delta: δ, added to the diagonal of Σ_w.
        group: The processes that hold the other rows; None for one process.

    Returns:
        float64 scalar; NaN, with a warning, for fewer than two images, an image of one view, or images all the same.
        A warning, too, where one sample is so far away that float64 has no digits for the others.

    Raises:
        ValueError: If features are no finite matrix, labels do not match or hold −1, or delta is not positive.

    Example:
        >>> centers = torch.eye(4).repeat_interleave(2, dim=0)  # two views of four images
        >>> views = centers + 0.01 * torch.randn(8, 4, generator=torch.Generator().manual_seed(0))
        >>> bool(2.5 < lidar(views, torch.arange(4).repeat_interleave(2)) <= 3)
        True
    """
    return LIDAR.of(Samples(features, labels, group=group), delta=delta)


def _options(delta: float = 1e-4) -> Options:
    check_range("delta", delta, above=0)
    return {"delta": delta}


def _rank(samples: Samples, delta: float) -> Tensor:
    features, moments = samples.features, samples.class_moments
    if len(moments.classes) < 2:
        return undefined("LiDAR", f"it needs views of at least two images, got {len(moments.classes)}", features)
    if bool((moments.counts < 2).any()):
        single = int((moments.counts < 2).sum())
        return undefined("LiDAR", f"{single} of {len(moments.classes)} images have one view only", features)
    means = moments.means - moments.means.mean(dim=0)
    between = means.T @ means / len(means)
    within = all_reduce(_view_scatter(features, samples.labels, moments), samples.group)
    # δ is added to eigenvalues free of rounding: beside large features it would be lost on the diagonal of Σ_w itself.
    spreads, directions = torch.linalg.eigh(within)
    if _are_lost(spreads, delta):
        warn_lost_digits("LiDAR", "the smallest spreads between views are below the rounding of the largest")
    root = directions / (spreads * _is_no_rounding(spreads) + delta).sqrt()
    # The eigenvalues of the whitened matrix are those of Rᵀ Σ_b R with Σ_w⁻¹ = R Rᵀ.
    values = torch.linalg.eigvalsh(root.T @ between @ root)
    values = values[_is_no_rounding(values)]
    return entropy_rank(values) if len(values) else undefined("LiDAR", "all images have the same features", features)


def _is_no_rounding(eigenvalues: Tensor) -> Tensor:
    """Which eigenvalues `[D]` of a sum of squares are above what rounding leaves."""
    return eigenvalues > len(eigenvalues) * torch.finfo(eigenvalues.dtype).eps * eigenvalues.amax()


def _are_lost(spreads: Tensor, delta: float) -> bool:
    """Whether rounding reaches the sixth digit of the smallest eigenvalue of Σ_w + δ, or hides more than δ."""
    real, rounding = spreads[_is_no_rounding(spreads)], torch.finfo(spreads.dtype).eps * float(spreads.amax())
    hidden = len(real) == 1 < len(spreads) and len(spreads) * rounding > delta
    return hidden or (len(real) > 0 and rounding > 1e-6 * (float(real.amin()) + delta))


def _view_scatter(features: Tensor, labels: Tensor, moments: Moments) -> Tensor:
    """This process's share of the mean over images of the covariance of their views `[D, D]`."""
    classes, counts, means, _ = moments
    scatter = means.new_zeros(means.shape[1], means.shape[1])
    for part, rows in in_float64(features):
        index = torch.searchsorted(classes, labels[part])
        deviations = rows - means[index]
        scatter += deviations.T @ (deviations / counts[index, None])
    return scatter / len(classes)


LIDAR = Measure(
    name="lidar",
    function=lidar,
    score=_rank,
    options=_options,
    family=Family.UNSUPERVISED,
    meaning="1 to D; high: many directions tell images apart; labels are the images",
    paper="Thilak et al., 2023, arXiv 2312.04000",
    cost=spectrum_cost,
    range=(1, math.inf),
    higher_is_better=True,
    needs="views",
    in_default=False,
)
