"""Few labels: the part of the training samples whose labels a probe is shown."""

import math

import torch
from torch import Tensor

from csl.randomness import derive_generator, shuffled_by_class


def shown_labels(classes: Tensor, share: float, seed: int) -> Tensor:
    """Which of all training samples keep their labels `[N]`, bool: the share of each class, at least one of each.

    Drawn on the CPU from the seed alone, so that processes agree, and so that a larger share contains a smaller one.

    Args:
        classes: Class numbers of all training samples `[N]`.
        share: 0 < share ≤ 1.
        seed: Of the draw.

    Example:
        >>> shown_labels(torch.tensor([0, 0, 0, 0, 1, 1]), 0.5, seed=0).long().sum()
        tensor(3)
    """
    if share == 1:
        return torch.ones_like(classes, dtype=torch.bool)
    generator = derive_generator(seed, "shown labels")
    shown = torch.zeros(len(classes), dtype=torch.bool)
    for members in shuffled_by_class(classes.cpu(), generator):
        # Rounding up keeps a sample of every class; 1e-9 keeps 0.1 × 30 from becoming 4.
        shown[members[: max(1, math.ceil(share * len(members) - 1e-9))]] = True
    return shown.to(classes.device)


def check_label_share(label_share: float) -> None:
    """Raise a ValueError unless 0 < label_share ≤ 1."""
    if not 0 < label_share <= 1:
        raise ValueError(f"label_share: expected more than 0 and at most 1, got {label_share}")
