"""The form of what goes into an encoder and of what comes out."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor


def check_images(images: Tensor, channels: int, name: str) -> None:
    """Raise a `ValueError` unless images are float `[B, C, H, W]` with the channels that an encoder takes.

    Example:
        >>> import torch
        >>> check_images(torch.zeros(2, 1, 8, 8), 3, "ResNet")
        Traceback (most recent call last):
        ...
        ValueError: images: expected shape [B, 3, H, W] for ResNet(in_channels=3), got [2, 1, 8, 8]
    """
    if images.ndim != 4 or images.shape[1] != channels or 0 in images.shape[2:]:
        raise ValueError(
            f"images: expected shape [B, {channels}, H, W] for {name}(in_channels={channels}), got {list(images.shape)}"
        )
    if not images.is_floating_point():
        raise ValueError(f"images: expected a floating-point type, got {images.dtype}")


def check_size(images: Tensor, only: int | None, smallest: int, name: str) -> None:
    """Raise a `ValueError` unless images `[B, C, H, W]` have the only height and width, or at least the smallest.

    Example:
        >>> import torch
        >>> check_size(torch.zeros(2, 1, 8, 4), 8, 1, "Pixels")
        Traceback (most recent call last):
        ...
        ValueError: images: expected 8 by 8 pixels for Pixels(image_size=8), got 8 by 4 (data.image_size says how many)
    """
    height, width = images.shape[2:]
    if only is not None and (height, width) != (only, only):
        raise ValueError(
            f"images: expected {only} by {only} pixels for {name}(image_size={only}), got {height} by {width} "
            "(data.image_size says how many)"
        )
    if min(height, width) < smallest:
        raise ValueError(
            f"images: expected at least {smallest} by {smallest} pixels for {name}, got {height} by {width}"
        )


def checked(output: Any, expected: Sequence[int | str], place: str, kind: str) -> Tensor:
    """A tensor of the expected shape, in which words stand for any number.

    Raises:
        ValueError: If it is none; `place` says who gave it, `kind` what it should be.

    Example:
        >>> import torch
        >>> checked(torch.zeros(2, 3), (2, "D", "h", "w"), "Net.forward_maps", "maps")
        Traceback (most recent call last):
        ...
        ValueError: Net.forward_maps: expected maps of shape [2, D, h, w], got [2, 3]
    """
    if isinstance(output, Tensor) and output.ndim == len(expected):
        fits = (isinstance(want, str) or want == size for want, size in zip(expected, output.shape, strict=True))
        if all(fits):
            return output
    got = list(output.shape) if isinstance(output, Tensor) else type(output).__name__
    raise ValueError(f"{place}: expected {kind} of shape [{', '.join(map(str, expected))}], got {got}")
