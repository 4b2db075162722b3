"""Checks and conversions of labels, made once, at the edge of every metric."""

import warnings

import torch
from torch import Tensor

from csl.distributed import Group, gather_rows
from csl.pairwise.checks import check_features, labels_fault, refuse

UNLABELED = -1


def check_input(features: Tensor, labels: Tensor, group: Group = None) -> None:
    """Refuse features that are no finite matrix, and labels that are not one integer a row.

    Raises:
        ValueError: With the argument, what was expected and what came; the same on every process of the group.
    """
    check_features(features, group)
    refuse(label_fault(features, labels), group)


def label_fault(features: Tensor, labels: Tensor) -> str | None:
    """What is wrong with the labels of these features, or None."""
    # As int64: among uint8, -1 would be 255.
    return labels_fault(features, labels) or unlabeled_fault(int((labels.long() == UNLABELED).sum()), len(labels))


def unlabeled_fault(missing: int, total: int) -> str | None:
    """What to say of samples without a label, or None if there are none."""
    return f"labels must be known, got {UNLABELED} (unlabelled) for {missing} of {total} samples" if missing else None


def class_index(labels: Tensor, group: Group = None) -> tuple[Tensor, Tensor]:
    """Any integers as positions 0 … C − 1 among the classes that the group holds.

    Args:
        labels: This process's labels `[n]`.
        group: The processes that hold the other labels.

    Returns:
        Positions `[n]` and the classes `[C]` in ascending order, int64, the same classes on every process.

    Example:
        >>> class_index(torch.tensor([7, 3, 7]))
        (tensor([1, 0, 1]), tensor([3, 7]))
    """
    own = torch.unique(labels.long())
    classes = torch.unique(gather_rows(own, group))
    return torch.searchsorted(classes, labels.long()), classes


def warn_undefined(metric: str, reason: object) -> None:
    """Say why a metric is NaN."""
    warnings.warn(f"{metric} is NaN: {reason}", RuntimeWarning, stacklevel=3)


def undefined(metric: str, reason: object, features: Tensor, *shape: int) -> Tensor:
    """NaN, a float64 scalar or of this shape, with a warning that says why."""
    warnings.warn(f"{metric} is NaN: {reason}", RuntimeWarning, stacklevel=3)
    return torch.full(shape, torch.nan, dtype=torch.float64, device=features.device)
