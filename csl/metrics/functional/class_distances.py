"""Mean distances within and between classes."""

from typing import Unpack

import torch
from torch import Tensor

from csl.distributed import Group, gather_rows
from csl.metrics.functional.helpers import check_input, class_index, undefined, warn_undefined
from csl.pairwise import Streaming, UndefinedSimilarityError, distances_within


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
    check_input(features, labels, group)
    index, names = class_index(labels.to(features.device), group)
    try:
        sums = torch.stack(distances_within(features, index, group=group, **streaming))
    except UndefinedSimilarityError as error:
        return undefined("class distances", error, features, 2)
    counts = torch.bincount(gather_rows(index, group), minlength=len(names)).double()
    within_pairs = (counts * (counts - 1)).sum()
    pairs = torch.stack([within_pairs, counts.sum() * (counts.sum() - 1) - within_pairs])
    if bool((pairs == 0).any()):
        kind = "of one class" if pairs[0] == 0 else "of two classes"
        warn_undefined("one of the class distances", f"there is no pair {kind}")
    return sums / pairs  # 0 / 0 is the NaN that a mean over no pairs is
