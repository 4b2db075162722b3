"""Standard deviation of normalised features: has the encoder collapsed?"""

import math

import torch
from torch import Tensor
from torch.nn.functional import normalize

from csl.distributed import Group
from csl.metrics.functional.helpers import warn_undefined
from csl.metrics.functional.moments import Moments, class_moments, join, pool, reduce_moments
from csl.pairwise.blocks import blocks
from csl.pairwise.checks import check_features

_ROWS = 4096  # rows converted to float64 at a time


def feature_std(features: Tensor, *, group: Group = None) -> Tensor:
    """Mean over dimensions of the standard deviation of L2-normalised features, times √D.

    About 1 where features spread over the sphere, 0 where all point the same way (a collapsed encoder). See Chen, He,
    "Exploring Simple Siamese Representation Learning" (2021, arXiv 2011.10566).

    Args:
        features: This process's rows `[n, D]`, any floating dtype.
        group: The processes that hold the other rows; None for one process.

    Returns:
        float64 scalar between 0 and √(N / (N − 1)); NaN, with a warning, for fewer than two samples.

    Raises:
        ValueError: If features are no finite matrix.

    Example:
        >>> feature_std(torch.eye(4)).round(decimals=2)
        tensor(1., dtype=torch.float64)
        >>> feature_std(torch.ones(4, 8))
        tensor(0., dtype=torch.float64)
    """
    check_features(features, group)
    return spread(reduce_moments(direction_moments(features), group))


def direction_moments(features: Tensor) -> Moments:
    """The moments of these samples' directions `[N, D]`, as of one class."""
    return labeled_direction_moments(features, torch.zeros(len(features), dtype=torch.int64, device=features.device))


def labeled_direction_moments(features: Tensor, labels: Tensor) -> Moments:
    """The moments of the directions of each label's samples; no copy of all of them is made."""
    moments = class_moments(features[:0], labels[:0])
    for part in blocks(len(features), _ROWS):
        moments = pool(join(moments, class_moments(directions(features[part]), labels[part])))
    return moments


def directions(features: Tensor, dtype: torch.dtype = torch.float64) -> Tensor:
    """The rows `[N, D]` with length 1, computed in float64, a block of them at a time; rows of zeros stay zero."""
    unit = torch.empty(features.shape, dtype=dtype, device=features.device)
    for part in blocks(len(features), _ROWS):
        unit[part] = normalize(features[part].double(), dim=1, eps=torch.finfo(torch.float32).tiny)
    return unit


def spread(moments: Moments) -> Tensor:
    """The mean standard deviation of directions with these moments, times √D."""
    count = moments.counts.sum()
    if count < 2:
        warn_undefined("feature standard deviation", f"it needs at least two samples, got {int(count)}")
        return torch.full((), torch.nan, dtype=torch.float64, device=count.device)
    variance = moments.overall.scatter[0] / (count - 1)
    return variance.sqrt().mean() * math.sqrt(len(variance))
