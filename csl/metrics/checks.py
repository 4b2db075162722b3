"""Checks of labels, made once, at the edge of every metric."""

from torch import Tensor

from csl.distributed import Group
from csl.pairwise import check_features, labels_fault, refuse

UNLABELED = -1


def check_input(features: Tensor, labels: Tensor, group: Group = None) -> None:
    """Refuse features that are no finite matrix, and labels that are not one integer a row.

    Raises:
        ValueError: With the argument, what was expected and what came; the same on every process of the group.
    """
    check_features(features, group)
    check_labels(features, labels, group)


def check_labels(features: Tensor, labels: Tensor, group: Group = None) -> None:
    """Refuse labels that are not one integer a row of features, or −1.

    Raises:
        ValueError: With the argument, what was expected and what came; the same on every process of the group.
    """
    # As int64: among uint8, -1 would be 255.
    fault = labels_fault(features, labels) or unlabeled_fault(int((labels.long() == UNLABELED).sum()), len(labels))
    refuse(fault, group)


def unlabeled_fault(missing: int, total: int) -> str | None:
    """What to say of samples without a label, or None if there are none."""
    if not missing:
        return None
    return f"labels: expected a class for every sample, got {UNLABELED} (unlabelled) for {missing} of {total} samples"
