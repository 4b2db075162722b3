"""Mean distances within and between classes."""

import math
from typing import Unpack

import torch
from torch import Tensor

from csl.distributed import Group
from csl.metrics.measure import Family, Measure, Passes
from csl.metrics.samples import Samples
from csl.metrics.undefined import undefined, warn_undefined
from csl.pairwise import Streaming, UndefinedSimilarityError


def class_distances(features: Tensor, labels: Tensor, *, group: Group = None, **streaming: Unpack[Streaming]) -> Tensor:
    """Mean Euclidean distance over pairs of one class and over pairs of two, in units of the mean over all pairs.

    Exact: every pair counts, none of them in an N×N array. Both are 1 for a labelling independent of the features;
    distances within are small where classes are globally dense, and those between exceed 1 by little, since most pairs
    lie between classes. The unit makes encoders comparable, whatever the length of their features. These are the
    distances of which Zhang, Lu, Xuan, "How Does Contrastive Learning Organize Images?" (2024, arXiv 2305.10229)
    speaks when it calls a class globally dense.

    Args:
        features: This process's rows `[n, D]`, any floating dtype.
        labels: Their classes `[n]`, any integers but −1.
        group: The processes that hold the other rows; None for one process.
        **streaming: `memory_budget`, `precision`, `progress`; see `csl.pairwise.Streaming`.

    Returns:
        float64 `[2]`: within, between; NaN, with a warning, for both if there are fewer than two samples or collapsed
        features, and for the one of which there is no pair.

    Raises:
        ValueError: If features are no finite matrix, or labels do not match or hold −1.

    Example:
        >>> x = torch.tensor([[0.0], [1.0], [9.0], [10.0]])
        >>> class_distances(x, torch.tensor([0, 0, 1, 1])).round(decimals=3)
        tensor([0.1580, 1.4210], dtype=torch.float64)
    """
    return CLASS_DISTANCES.of(Samples(features, labels, group=group, **streaming))


def _distances(samples: Samples) -> Tensor:
    try:
        sums = torch.stack(samples.distances_within())
    except UndefinedSimilarityError as error:
        return undefined("class distances", error, samples.features, 2)
    counts = samples.classes.counts
    within_pairs = (counts * (counts - 1)).sum()
    pairs = torch.stack([within_pairs, counts.sum() * (counts.sum() - 1) - within_pairs])
    if bool((pairs == 0).any()):
        kind = "of one class" if pairs[0] == 0 else "of two classes"
        warn_undefined("one of the class distances", f"there is no pair {kind}")
    return sums / pairs  # 0 / 0 is the NaN that a mean over no pairs is


CLASS_DISTANCES = Measure(
    name="class_distances",
    function=class_distances,
    score=_distances,
    names=lambda: ["within_class_distance", "between_class_distance"],
    family=Family.GLOBAL,
    meaning="in units of the mean distance; low within: compact classes",
    paper="Zhang, Lu and Xuan, 2024, arXiv 2305.10229",
    cost=Passes(1),
    range=(0, math.inf),
    higher_is_better=None,
    needs="labels",
)
