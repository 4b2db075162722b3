"""What an image processor of transformers does to images, found by giving it some."""

from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from csl.types import Preparation

_SIDE = 1024  # of the images that it is given, in pixels; larger than any that it makes
_ACROSS = 0.75  # of a ramp's levels


class Processing(NamedTuple):
    """What is done to an image before a network sees it.

    Attributes:
        size: Height and width of the result, in pixels; None where it is no square.
        mean: What is subtracted from each channel of the image in [0, 1].
        std: What each channel is divided by.
        flips_channels: Whether blue comes first.
        preparation: How the image is cut and resized.
    """

    size: int | None
    mean: tuple[float, ...]
    std: tuple[float, ...]
    flips_channels: bool
    preparation: Preparation


def processing_of(processor: Any) -> Processing:
    """What a processor does, whichever of its many options it does it by.

    Black and white say what is subtracted and divided by, a red image the order of channels, and a ramp from black to
    white how much of the image is left.

    Args:
        processor: One of transformers' image processors, or anything that can be called like one.

    Example:
        >>> def halves(images, return_tensors):
        ...     pixels = np.stack([np.asarray(image.resize((8, 8))) for image in images]).transpose(0, 3, 1, 2) / 255
        ...     return {"pixel_values": (pixels - 0.5) / 0.25}
        >>> found = processing_of(halves)
        >>> found.size, found.mean, found.std, found.preparation.squash
        (8, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), True)
    """
    black, white, red, ramp = _seen(processor, *(_plain(color) for color in ("black", "white", "red")), _ramp(_SIDE))
    (wide,) = _seen(processor, _ramp(2 * _SIDE))
    std = 1 / (white - black).mean(axis=(1, 2))
    mean = -black.mean(axis=(1, 2)) * std
    left, left_of_wide = (_share(image[0] * std[0] + mean[0]) for image in (ramp, wide))
    height, width = ramp.shape[1:]
    squash = left_of_wide > 0.75 * left
    resized = round(width / left)
    return Processing(
        size=height if height == width else None,
        mean=tuple(round(float(value), 5) + 0.0 for value in mean),
        std=tuple(round(float(value), 5) for value in std),
        flips_channels=bool(red[-1].mean() * std[-1] > red[0].mean() * std[0]),
        preparation=Preparation(width / resized, _interpolation(processor), bool(squash)),
    )


def _seen(processor: Any, *images: Image.Image) -> list[np.ndarray]:
    """What becomes of each image, `[C, H, W]`."""
    return [np.asarray(processor(images=[image], return_tensors="np")["pixel_values"])[0] for image in images]


def _plain(color: str) -> Image.Image:
    return Image.new("RGB", (_SIDE, _SIDE), color)


def _ramp(width: int) -> Image.Image:
    """From dark on the left to light on the right, and a little downwards, so that roundings to 8 bits cancel."""
    across, down = (np.arange(width) + 0.5) / width, (np.arange(_SIDE)[:, None] + 0.5) / _SIDE
    levels = (_ACROSS * across + (1 - _ACROSS) * down) * 255
    return Image.fromarray(np.stack([levels.round().astype(np.uint8)] * 3, axis=2))


def _share(ramp: np.ndarray) -> float:
    """How much of the ramp's width is there, by its slope."""
    row = ramp.mean(axis=0)
    return float(np.polyfit(np.arange(len(row)), row, 1)[0] * len(row) / _ACROSS)


def _interpolation(processor: Any) -> str:
    return Image.Resampling(int(getattr(processor, "resample", None) or 2)).name.lower()
