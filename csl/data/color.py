"""Colour operations on float images `[B, C, H, W]` in [0, 1], one factor an image; each equals torchvision's."""

import torch
from torch import Tensor

_LUMA = (0.2989, 0.587, 0.114)


def jitter(images: Tensor, factors: Tensor, order: list[int]) -> Tensor:
    """Change brightness (0), contrast (1), saturation (2) and hue (3) in the given order.

    Args:
        images: `[B, C, H, W]` in [0, 1]; grey images (C = 1) have no saturation and no hue.
        factors: Factors of the first three, and the shift of hue in turns `[B, 4]`.
        order: Which operations to apply, in that order.
    """
    operations = (brightness, contrast, saturation, hue)
    factors = factors.to(images.device, images.dtype, non_blocking=True)
    for operation in order:
        if operation < 2 or images.shape[1] == 3:
            images = operations[operation](images, factors[:, operation, None, None, None])
    return images


def brightness(images: Tensor, factor: Tensor) -> Tensor:
    """Multiply by a factor `[B, 1, 1, 1]`."""
    return (images * factor).clamp_(0, 1)


def contrast(images: Tensor, factor: Tensor) -> Tensor:
    """Move each pixel away from the image's mean grey by a factor `[B, 1, 1, 1]`."""
    mean = luma(images).mean(dim=(1, 2, 3), keepdim=True)
    return _blend(images, mean, factor)


def saturation(images: Tensor, factor: Tensor) -> Tensor:
    """Move each pixel away from its own grey by a factor `[B, 1, 1, 1]`."""
    return _blend(images, luma(images), factor)


def hue(images: Tensor, shift: Tensor) -> Tensor:
    """Turn the hue (of HSV) by a share of a full turn `[B, 1, 1, 1]`; value and chroma stay."""
    value, low = images.amax(1, keepdim=True), images.amin(1, keepdim=True)
    chroma = value - low
    sextant = _hue(images, value, chroma).add_(6 * shift)
    sextant -= (sextant / 6).floor_().mul_(6)  # many times faster than the remainder
    out = torch.empty_like(images)
    # Red is strongest around 0 (and 6), green around 2, blue around 4; each lasts for one sextant either way.
    shares = ((sextant - 3).abs_().sub_(1), 2 - (sextant - 2).abs_(), 2 - (sextant - 4).abs_())
    for channel, share in enumerate(shares):
        torch.addcmul(low, chroma, share.clamp_(0, 1), out=out[:, channel : channel + 1])
    return out


def _hue(images: Tensor, value: Tensor, chroma: Tensor) -> Tensor:
    """Hue in sixths of a turn `[B, 1, H, W]`; 0 for grey."""
    red, green, blue = images[:, :1], images[:, 1:2], images[:, 2:]
    # Products with 0 and 1 choose as `torch.where` does, to the last bit, and take a CPU a third of its time.
    is_red, is_green = (torch.eq(value, channel, out=torch.empty_like(value)) for channel in (red, green))
    others = 1 - is_red
    is_green *= others
    is_blue = others.sub_(is_green)
    turn = (green - blue).mul_(is_red).addcmul_(blue - red, is_green).addcmul_(red - green, is_blue)
    turn /= chroma.clamp(min=max(1e-8, torch.finfo(chroma.dtype).tiny))
    return turn.add_(is_green, alpha=2).add_(is_blue, alpha=4)


def luma(images: Tensor) -> Tensor:
    """Perceived brightness `[B, 1, H, W]`."""
    if images.shape[1] == 1:
        return images
    red, green, blue = images[:, :1], images[:, 1:2], images[:, 2:]
    return red * _LUMA[0] + green * _LUMA[1] + blue * _LUMA[2]


def gray(images: Tensor) -> Tensor:
    """Take the colours away; the number of channels stays."""
    return luma(images).expand_as(images)


def solarize(images: Tensor) -> Tensor:
    """Invert what is brighter than a half."""
    return torch.where(images >= 0.5, 1 - images, images)


def _blend(images: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    return (images - other).mul_(factor).add_(other).clamp_(0, 1)


def with_channels(images: Tensor, channels: int) -> Tensor:
    """Grey images as colour images, or the other way round, where an encoder wants them so; else as they are.

    Example:
        >>> with_channels(torch.zeros(2, 1, 4, 4), 3).shape, with_channels(torch.zeros(2, 3, 4, 4), 1).shape
        (torch.Size([2, 3, 4, 4]), torch.Size([2, 1, 4, 4]))
    """
    if (images.shape[1], channels) == (1, 3):
        return images.expand(-1, 3, -1, -1)
    return luma(images) if (images.shape[1], channels) == (3, 1) else images
