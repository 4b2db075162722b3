"""Scores that do not exist, or have lost their digits: a warning that says why."""

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


def warn_lost_digits(metric: str, what: str) -> None:
    """Say that a metric has fewer right digits than it shows, why, and what to do."""
    warnings.warn(
        f"{metric} has lost digits: {what}. A sample far away from all others, or an offset, leaves no digits for "
        "the rest: look at the lengths of the rows, leave that sample out, or measure directions (normalize=True)",
        RuntimeWarning,
        stacklevel=3,
    )
