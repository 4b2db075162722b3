import math

import torch
from torch import Tensor

from tests.metrics.reference import ANY, Reference, Values
from tests.pairwise.dense import dense_distances


def _class_distances(x: Tensor, y: Tensor) -> Values:
    d = dense_distances(x)
    same, other = y[:, None] == y, ~torch.eye(len(y), dtype=torch.bool)
    return [float(d[mask & other].mean() / d[other].mean()) for mask in (same, ~same)]


REFERENCES = {
    "class_distances": Reference(
        _class_distances, ANY, two_samples=[math.nan, 1.0], one_class=[1.0, math.nan], hard=2e-5
    ),
}
