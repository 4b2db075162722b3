"""The checks of what comes in from outside, made once, at the edge, and with the same outcome on every process."""

from collections.abc import Sequence

import torch
from torch import Tensor

from csl.checks import check_temperature
from csl.distributed import Group, Shard, all_reduce, any_process
from csl.pairwise.blocks import blocks

_ROWS = 1024  # rows looked at together: a test makes copies of what it looks at
_DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)  # torch computes with no others throughout


class UndefinedSimilarityError(ValueError):
    """The features have no scale to measure distances by: fewer than two of them, or all in one place.

    Example:
        >>> from csl.pairwise import full_weights
        >>> try:
        ...     full_weights(torch.ones(1, 4), [0.1])
        ... except UndefinedSimilarityError as error:
        ...     print(error)
        similarities need at least two samples, got 1
    """


def refuse(message: str | None, group: Group = None) -> None:
    """Raise on every process of the group if one of them found a fault, so that none waits for the others.

    Args:
        message: What is wrong with this process's input; None if nothing is.
        group: The processes that call this together.

    Raises:
        ValueError: With this process's message, or one that says that another process found a fault.
    """
    if any_process(message is not None, group):
        raise ValueError(message or "another process of the group refused its input; its own error says why")


def check_features(features: Tensor, group: Group = None, name: str = "features") -> None:
    """Refuse anything but a finite floating-point matrix `[n, D]`, of the same width on every process.

    Raises:
        ValueError: As `features_fault` has it, or if rows hold NaN or infinity (how many, and which first).
    """
    refuse(features_fault(features, name), group)
    width = torch.tensor([features.shape[1], -features.shape[1]], device=features.device)
    widest, narrowest = all_reduce(width, group, "max").tolist()
    if widest != -narrowest:
        raise ValueError(f"{name}: expected the same width on every process, got {-narrowest} and {widest}")
    # 0 · x is NaN for NaN and infinity, and six times as fast to sum as isfinite is to ask.
    # What is kept lies in one place: small results between the blocks' memory would keep that from being used again.
    bad = features.new_zeros(len(features), dtype=torch.bool)
    for part in blocks(len(features), _ROWS):
        bad[part] = (features[part] * 0).sum(dim=1).isnan()
    check_finite(bad, group, name)


def features_fault(features: Tensor, name: str = "features") -> str | None:
    """What is wrong with the form of this process's features, or None; their values are not looked at.

    They are to be a matrix `[n, D]` of float16, bfloat16, float32 or float64, with D of 1 or more if it has rows.

    Example:
        >>> features_fault(torch.zeros(3))
        'features: expected a matrix [N, D], got shape (3,)'
    """
    if features.ndim != 2:
        return f"{name}: expected a matrix [N, D], got shape {tuple(features.shape)}"
    if features.dtype not in _DTYPES:
        taken = ", ".join(str(dtype).removeprefix("torch.") for dtype in _DTYPES)
        return f"{name}: expected floating point, got {features.dtype}; taken are {taken}"
    if len(features) and not features.shape[1]:
        return f"{name}: expected one dimension or more, got shape {tuple(features.shape)}"
    return None


def labels_fault(features: Tensor, labels: Tensor) -> str | None:
    """What is wrong with the number or the type of labels that are to be one integer a row of features, or None."""
    if labels.shape != features.shape[:1]:
        return f"labels: expected [{len(features)}], one a row of features, got shape {tuple(labels.shape)}"
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        return f"labels: expected integers, got {labels.dtype}"
    return None


def label_range_fault(features: Tensor, labels: Tensor, num_classes: int) -> str | None:
    """What is wrong with labels that are to be one integer from 0 to `num_classes` − 1 a row of features, or None.

    Example:
        >>> label_range_fault(torch.zeros(2, 1), torch.tensor([0, 2]), 2)
        'labels: expected 0 to 1, got 0 to 2'
    """
    if fault := labels_fault(features, labels):
        return fault
    if len(labels) and (int(labels.min()) < 0 or int(labels.max()) >= num_classes):
        return f"labels: expected 0 to {num_classes - 1}, got {int(labels.min())} to {int(labels.max())}"
    return None


def check_finite(bad: Tensor, group: Group = None, name: str = "features") -> None:
    """Refuse rows that hold NaN or infinity, which `bad` `[n]` marks.

    Raises:
        ValueError: If there are any in the group: how many, and which first.
    """
    shard = Shard.of(len(bad), group)
    total = shard.total
    first = shard.own.start + int(bad.nonzero()[0, 0]) if bad.any() else total
    num_bad = int(all_reduce(bad.sum(), group))
    if num_bad:
        first = int(all_reduce(torch.tensor(first, device=bad.device), group, "min"))
        where = f"{num_bad} of {total} rows, the first of them row {first}"
        raise ValueError(f"{name}: expected finite numbers, got NaN or infinity in {where}")


def check_temperatures(temperatures: Sequence[float]) -> tuple[float, ...]:
    """The temperatures as floats.

    Raises:
        ValueError: If there is none, or one that is not a positive finite number.
    """
    values = tuple(float(temperature) for temperature in temperatures)
    if not values:
        raise ValueError("temperatures: expected at least one, got none")
    for value in values:
        check_temperature(temperature=value)
    return values


def check_neighbors(k: int, available: int, name: str = "k") -> None:
    """Refuse a number of neighbours that is not in 1 … available.

    Raises:
        ValueError: If it is outside of that range.
    """
    if not 1 <= k <= available:
        raise ValueError(f"{name}: expected 1 to {available}, the number of other samples, got {k}")
