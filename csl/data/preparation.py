"""How images are cut and resized where a network is measured as those who trained it did."""

import math

from torch import Tensor
from torch.nn import functional as F

from csl.types import Preparation

# What torch has for images that are in memory; the others are nearest to the last of these.
_MODES = {"nearest": "nearest-exact", "bilinear": "bilinear", "bicubic": "bicubic"}


def resized_shape(width: int, height: int, size: int, preparation: Preparation) -> tuple[int, int]:
    """Width and height that an image is resized to before its central square is cut out, in pixels.

    Args:
        width: The image's.
        height: The image's.
        size: Height and width of the square.
        preparation: How much of the image it keeps.

    Example:
        >>> resized_shape(500, 400, 224, Preparation(crop=0.875))
        (320, 256)
        >>> resized_shape(500, 400, 224, Preparation(crop=0.875, squash=True))
        (256, 256)
    """
    side = math.floor(size / preparation.crop + 1e-6)
    if preparation.squash:
        return side, side
    short = min(width, height)
    return side * width // short, side * height // short


def prepared(images: Tensor, size: int, preparation: Preparation) -> Tensor:
    """Images in memory, resized and cut to their central square as a network's evaluation has them.

    "lanczos", "box" and "hamming", which torch does not have, are done as "bicubic".

    Args:
        images: Float in [0, 1], `[B, C, H, W]`.
        size: Height and width of the result, in pixels.
        preparation: How to cut and resize them.

    Returns:
        Float in [0, 1], `[B, C, size, size]`.

    Example:
        >>> import torch
        >>> prepared(torch.arange(16.0).view(1, 1, 4, 4) / 16, 2, Preparation(crop=0.5)) * 16
        tensor([[[[ 5.,  6.],
                  [ 9., 10.]]]])
    """
    height, width = images.shape[-2:]
    wide, high = resized_shape(width, height, size, preparation)
    if (high, wide) != (height, width):
        mode = _MODES.get(preparation.interpolation, "bicubic")
        images = F.interpolate(images, (high, wide), mode=mode, antialias=mode != "nearest-exact").clamp(0, 1)
    top, left = round((high - size) / 2), round((wide - size) / 2)
    return images[..., top : top + size, left : left + size]
