"""Many small images in one, as pages show them."""

import base64
import io
import math

import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

SIDE = 32  # pixels of a small image, at most


def sprite(images: Tensor, columns: int) -> tuple[str, int]:
    """Images `[B, C, H, W]` as one picture of so many columns: a data address for a page, and the side of each.

    Args:
        images: uint8 or float in [0, 1].
        columns: How many stand beside each other.

    Example:
        >>> address, side = sprite(torch.zeros(5, 1, 8, 8, dtype=torch.uint8), columns=2)
        >>> address[:22], side
        ('data:image/jpeg;base64', 8)
    """
    pixels = images.float() / 255 if images.dtype == torch.uint8 else images
    side = min(SIDE, max(images.shape[-2:]))
    if images.shape[-2:] != (side, side):
        pixels = interpolate(pixels, (side, side), mode="bilinear", antialias=True)
    pixels = pixels.expand(-1, 3, -1, -1) if pixels.shape[1] == 1 else pixels
    rows = math.ceil(len(pixels) / columns)
    sheet = torch.zeros(3, rows * side, columns * side)
    for place, image in enumerate(pixels):
        top, left = place // columns * side, place % columns * side
        sheet[:, top : top + side, left : left + side] = image
    buffer = io.BytesIO()
    array = (sheet.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    Image.fromarray(array).save(buffer, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}", side
