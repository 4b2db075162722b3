"""The directions of features: rows of length 1."""

import torch
from torch import Tensor
from torch.nn.functional import normalize

from csl.metrics.moments import Moments, class_moments, join, pool
from csl.pairwise import in_float64
from csl.types import Features


def directions(features: Tensor, dtype: torch.dtype = torch.float64) -> Tensor:
    """The rows `[N, D]` with length 1, computed in float64, a block of them at a time; rows of zeros stay zero.

    Example:
        >>> directions(torch.tensor([[3.0, 4.0], [0.0, 0.0]]), torch.float32)
        tensor([[0.6000, 0.8000],
                [0.0000, 0.0000]])
    """
    unit = torch.empty(features.shape, dtype=dtype, device=features.device)
    for part, rows in in_float64(features):
        unit[part] = normalize(rows, dim=1, eps=torch.finfo(torch.float32).tiny)
    return unit


def with_length_one(rows: Features) -> Features:
    """The same samples, their features with length 1."""
    values = rows.values
    return rows._replace(values=directions(values, torch.promote_types(values.dtype, torch.float32)))


def direction_moments(features: Tensor, labels: Tensor) -> Moments:
    """The moments of the directions of each label's samples; no copy of all of them is made."""
    moments = class_moments(features[:0], labels[:0])
    for part, rows in in_float64(features):
        moments = pool(join(moments, class_moments(directions(rows), labels[part])))
    return moments
