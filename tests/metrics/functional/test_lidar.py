import math

import numpy as np
import torch
from torch import Tensor

from tests.metrics.reference import Reference, Values


def _lidar(x: Tensor, y: Tensor) -> Values:
    """Generalized eigenvalues of both scatters, by a Cholesky factor; NaN where an image has one view."""
    views = [x[y == c].double().numpy() for c in torch.unique(y)]
    if min(map(len, views)) < 2:
        return math.nan
    between = np.cov(np.stack([part.mean(axis=0) for part in views]), rowvar=False, bias=True)
    within = np.mean([np.cov(part, rowvar=False, bias=True) for part in views], axis=0) + 1e-4 * np.eye(x.shape[1])
    root = np.linalg.inv(np.linalg.cholesky(within))
    values = np.linalg.eigvalsh(root @ between @ root.T)[-(len(views) - 1) :]
    shares = values / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


REFERENCES = {"lidar": Reference(_lidar, ("rotation", "shift"))}
