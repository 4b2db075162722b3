"""Silhouette score: is each sample nearer to its own class than to the next one?"""

from typing import Unpack

import torch
from torch import Tensor

from csl.distributed import Group, all_reduce
from csl.metrics.measure import Family, Measure, Passes
from csl.metrics.samples import Samples
from csl.metrics.undefined import undefined
from csl.pairwise import Streaming, UndefinedSimilarityError


def silhouette_score(
    features: Tensor, labels: Tensor, *, group: Group = None, **streaming: Unpack[Streaming]
) -> Tensor:
    """Mean silhouette over all samples, exact: every pair counts, none of them in an N×N array.

    `s_i = (b_i − a_i) / max(a_i, b_i)` with a_i the mean Euclidean distance to the other samples of i's class and b_i
    that to the samples of the nearest other class; 0 for a class of one. Between −1 and 1: near 1 where classes are
    globally dense and far apart, about 0 where they overlap, negative where samples lie nearer to another class. See
    Rousseeuw, "Silhouettes: a graphical aid to the interpretation and validation of cluster analysis" (1987).
    scikit-learn computes the same from dense chunks of the square, on one process, with distances that lose digits far
    from the origin. Where 8 N C bytes exceed the memory budget, samples come in blocks, which takes twice as long.

    Args:
        features: This process's rows `[n, D]`, any floating dtype.
        labels: Their classes `[n]`, any integers but −1.
        group: The processes that hold the other rows; None for one process.
        **streaming: `memory_budget`, `precision`, `progress`; see `csl.pairwise.Streaming`.

    Returns:
        float64 scalar; NaN, with a warning, for fewer than two classes, as many classes as samples, or collapsed
        features.

    Raises:
        ValueError: If features are no finite matrix, or labels do not match or hold −1.

    Example:
        >>> x = torch.tensor([[0.0], [1.0], [9.0], [10.0]])
        >>> silhouette_score(x, torch.tensor([0, 0, 1, 1])).round(decimals=3)
        tensor(0.8890, dtype=torch.float64)
    """
    return SILHOUETTE.of(Samples(features, labels, group=group, **streaming))


def _mean_silhouette(samples: Samples) -> Tensor:
    names, counts, _, _ = samples.classes
    features, total = samples.features, samples.shard.total
    if len(names) < 2:
        return undefined("silhouette score", f"it needs at least two classes, got {len(names)}", features)
    if total == len(names):
        return undefined("silhouette score", f"it needs more samples than classes, got {total} of each", features)
    score = torch.zeros((), dtype=torch.float64, device=features.device)
    try:
        for classes, sums in samples.class_distances():
            score += silhouettes(sums, classes, counts).sum()
    except UndefinedSimilarityError as error:
        return undefined("silhouette score", error, features)
    return all_reduce(score, samples.group) / total


def silhouettes(sums: Tensor, classes: Tensor, counts: Tensor) -> Tensor:
    """Silhouettes of samples.

    Args:
        sums: Each one's sums of distances to the samples of each class `[n, C]`.
        classes: Their own classes `[n]`.
        counts: How many samples each class has `[C]`.

    Returns:
        `[n]`, float64; 0 for a class of one.
    """
    own = classes[:, None]
    others = counts[classes] - 1
    inside = sums.gather(1, own)[:, 0] / others.clamp(min=1)
    outside = (sums / counts).scatter(1, own, torch.inf).amin(dim=1)
    largest = torch.maximum(inside, outside)
    scores = torch.where(largest > 0, (outside - inside) / largest, 0.0)
    return torch.where(others > 0, scores, 0.0)


SILHOUETTE = Measure(
    name="silhouette",
    function=silhouette_score,
    score=_mean_silhouette,
    family=Family.GLOBAL,
    meaning="-1 to 1; high: samples nearer to their own class than to the next",
    paper="Rousseeuw, 1987",
    cost=Passes(1),
    range=(-1, 1),
    higher_is_better=True,
    needs="labels",
)
