"""Scores that do not exist: NaN, and a warning that says why."""

import warnings

import torch
from torch import Tensor


def undefined(metric: str, reason: object, features: Tensor, *shape: int) -> Tensor:
    """NaN, a float64 scalar or of this shape, with a warning that says why."""
    warn_undefined(metric, reason)
    return torch.full(shape, torch.nan, dtype=torch.float64, device=features.device)


def warn_undefined(metric: str, reason: object) -> None:
    """Say why a metric is NaN."""
    warnings.warn(f"{metric} is NaN: {reason}", RuntimeWarning, stacklevel=3)
