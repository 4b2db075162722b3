"""A method's own loss, or one that is given in its place."""

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
