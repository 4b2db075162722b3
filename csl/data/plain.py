"""The clean view of an image, which everything is measured on."""

import torch
from torch import Tensor

from csl.data.augmentation import pieces, to_unit
from csl.data.canvas import heights_and_widths
from csl.data.geometry import resample, trimmed
from csl.data.memory import stored_size

LARGE = 2**30  # pixels


def plain_view(images: Tensor, image_size: int, sizes: Tensor | None = None) -> Tensor:
    """The central square, without a margin where an image is larger than the view: float `[B, C, size, size]`.

    Args:
        images: uint8 `[B, C, H, W]`.
        image_size: Height and width of the view, in pixels.
        sizes: Height and width of each image `[B, 2]`, in the upper left of its place; None where all fill it.

    Example:
        >>> plain_view(torch.full((2, 3, 40, 60), 255, dtype=torch.uint8), 32).shape
        torch.Size([2, 3, 32, 32])
    """
    if sizes is None and images.shape[-2:] == (image_size, image_size):
        return to_unit(images)
    height, width = heights_and_widths(images, sizes)
    side = torch.minimum(height, width)
    cut = side * (image_size / side.clamp(max=stored_size(LARGE, image_size))).clamp(max=1)
    boxes = torch.stack([(height - cut) / 2, (width - cut) / 2, cut, cut], dim=1)
    if images.device.type != "cpu":
        return resample(to_unit(images), boxes, image_size)
    out = torch.empty((*images.shape[:2], image_size, image_size))
    for rows in pieces(len(images), images.shape[-1] * images.shape[-2]):
        part, inside = trimmed(images[rows], boxes[rows])
        out[rows] = resample(to_unit(part), inside, image_size)
    return out
