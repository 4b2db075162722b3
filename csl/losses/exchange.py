"""A method's own loss, or one that is given in its place."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


def loss_or(given: nn.Module | None, own: nn.Module, **options: tuple[object, object]) -> nn.Module:
    """The loss that is given, or else a method's own; options of the own one are refused beside a given one.

    Args:
        given: What the user gave.
        own: The method's own.
        options: The options of the own one by name, each with its default.

    Raises:
        ValueError: If an option of the own loss was changed, which would have no effect on the given one.

    Example:
        >>> loss_or(nn.L1Loss(), nn.MSELoss(), temperature=(0.5, 0.2))
        Traceback (most recent call last):
        ...
        ValueError: temperature: expected none beside a loss that is given, L1Loss, which has its own; got 0.5
    """
    if given is None:
        return own
    for name, (value, default) in options.items():
        if value != default:
            kind = type(given).__name__
            raise ValueError(
                f"{name}: expected none beside a loss that is given, {kind}, which has its own; got {value}"
            )
    return given


@contextmanager
def named(loss: object, method: str) -> Iterator[None]:
    """Add to an error of a loss that is not csl's own which it is, and where to read what a method calls it with.

    Args:
        loss: The loss that is called in this context.
        method: The name of the class that calls it.

    Example:
        >>> try:
        ...     with named(loss := nn.MSELoss(), "SimCLR"):
        ...         loss(1, 2, 3)
        ... except TypeError as error:
        ...     print(error.__notes__[0].partition("; ")[0])
        --model.loss: torch.nn.modules.loss.MSELoss was called as SimCLR calls its loss
    """
    try:
        yield
    except Exception as error:
        kind = type(loss)
        frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
        is_foreign = isinstance(loss, nn.Module) and not kind.__module__.startswith("csl.")
        is_form = not isinstance(error, torch.OutOfMemoryError)
        if is_foreign and is_form and any(frame.f_locals.get("self") is loss for frame in frames):
            error.add_note(
                f"--model.loss: {kind.__module__}.{kind.__qualname__} was called as {method} calls its loss; "
                f"csl fit --model.help {method} says with what"
            )
        raise
