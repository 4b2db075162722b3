"""Crops, mirrors, slants, blurs and erased boxes of a batch of float images `[B, C, H, W]`, parameters by image."""

import torch
from torch import Tensor
from torch.nn import functional as F


def resample(images: Tensor, boxes: Tensor, size: int, flip: Tensor | None = None) -> Tensor:
    """Cut a box out of each image and resize it to a square: bilinear and antialiased, as torchvision's crops are.

    The box is axis-parallel, so this is one matrix product along the rows and one along the columns, and a mirror is a
    reversed matrix.

    Args:
        images: `[B, C, H, W]`.
        boxes: Top, left, height, width in pixels `[B, 4]`, each at least one pixel.
        size: Height and width of the result.
        flip: Which images to mirror `[B]`.

    Returns:
        `[B, C, size, size]`.
    """
    batch, channels, height, width = images.shape
    boxes = boxes.to(images.device, non_blocking=True)  # float32: half precision knows no pixel beyond 2,048
    rows = _weights(boxes[:, 0], boxes[:, 2], height, size)
    columns = _weights(boxes[:, 1], boxes[:, 3], width, size)
    if flip is not None:
        flip = flip.to(images.device, non_blocking=True)
        columns = torch.where(flip[:, None, None], columns.flip(1), columns)
    rows, columns = rows.to(images.dtype), columns.to(images.dtype)
    narrow = images.reshape(batch, channels * height, width) @ columns.mT
    stacked = narrow.view(batch, channels, height, size).transpose(1, 2).reshape(batch, height, channels * size)
    return (rows @ stacked).view(batch, size, channels, size).transpose(1, 2)


def trimmed(images: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
    """The part of a batch that its boxes reach, and the boxes in that part; nothing is copied.

    Args:
        images: `[B, C, H, W]`.
        boxes: Top, left, height, width in pixels `[B, 4]`, on the CPU.

    Example:
        >>> part, boxes = trimmed(torch.zeros(2, 3, 50, 60), torch.tensor([[10.0, 5, 8, 8], [12.5, 9, 4, 30]]))
        >>> part.shape, boxes[1].tolist()
        (torch.Size([2, 3, 8, 34]), [2.5, 4.0, 4.0, 30.0])
    """
    corner, end = boxes[:, :2].amin(dim=0).floor(), (boxes[:, :2] + boxes[:, 2:]).amax(dim=0).ceil()
    (top, left), (bottom, right) = corner.int().tolist(), end.int().tolist()
    return images[..., top:bottom, left:right], torch.cat([boxes[:, :2] - corner, boxes[:, 2:]], dim=1)


def _weights(start: Tensor, length: Tensor, in_size: int, out_size: int) -> Tensor:
    """How much each pixel of the box gives to each pixel of the result `[B, out, in]`: triangles, rows sum to one."""
    step = (length / out_size)[:, None, None]
    start, end = start[:, None, None], (start + length)[:, None, None]
    pixels = torch.arange(in_size, device=start.device, dtype=start.dtype) + 0.5
    centres = start + (torch.arange(out_size, device=start.device, dtype=start.dtype)[:, None] + 0.5) * step
    weights = (1 - (pixels - centres).abs() / step.clamp(min=1)).clamp(min=0)
    weights = weights * ((pixels >= start) & (pixels <= end))
    return weights / weights.sum(-1, keepdim=True)


def affine(images: Tensor, parameters: Tensor) -> Tensor:
    """Turn, slant, shift and scale square images about their centres; what comes in from outside is black.

    Args:
        images: `[B, C, S, S]`.
        parameters: Rotation (clockwise) and shear in degrees, shift right and down as shares of the size, scale
            `[B, 5]`.
    """
    angle, shear = parameters[:, 0].deg2rad(), parameters[:, 1].deg2rad()
    cos, sin, tan = angle.cos(), angle.sin(), shear.tan()
    forward = torch.stack([cos, -cos * tan - sin, sin, cos - sin * tan], dim=1).view(-1, 2, 2)
    inverse = torch.linalg.inv(forward * parameters[:, 4, None, None])
    shift = 2 * parameters[:, 2:4, None]  # the grid runs from -1 to 1
    theta = torch.cat([inverse, -inverse @ shift], dim=2).to(images.device, non_blocking=True)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    out = F.grid_sample(images.float(), grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return out.to(images.dtype)


def blur(images: Tensor, sigma: Tensor) -> Tensor:
    """Gaussian blur with a standard deviation `[B]` in pixels by image; the kernel spans a tenth of the image.

    Each image is multiplied by a banded matrix on either side, which is faster than a convolution whose kernel is
    another for every image.
    """
    reach = max(1, round(min(images.shape[2:]) / 20))
    offsets = torch.arange(-reach, reach + 1, dtype=sigma.dtype, device=sigma.device)
    weights = (-(offsets / sigma[:, None]).square() / 2).softmax(dim=1).to(images, non_blocking=True)
    high, wide = (_banded(weights, size) for size in images.shape[2:])
    return high[:, None] @ images @ wide[:, None].mT


def _banded(weights: Tensor, size: int) -> Tensor:
    """A kernel by image `[B, K]` as matrices `[B, size, size]`: shifted kernels as rows, mirrored at the edges."""
    reach = weights.shape[1] // 2
    place = torch.arange(size, device=weights.device)[:, None]
    place = (place + torch.arange(-reach, reach + 1, device=weights.device)).abs()
    place = torch.where(place >= size, 2 * (size - 1) - place, place).expand(len(weights), -1, -1)
    return weights.new_zeros(len(weights), size, size).scatter_add_(2, place, weights[:, None].expand_as(place))


def erase(images: Tensor, boxes: Tensor) -> Tensor:
    """Black out a box of each image: top, left, height, width as shares of the size `[B, 4]`."""
    top, left, high, wide = boxes.to(images.device, non_blocking=True).unbind(1)
    rows = _inside(top, high, images.shape[2])
    columns = _inside(left, wide, images.shape[3])
    return images.masked_fill((rows[:, :, None] & columns[:, None, :])[:, None], 0)


def _inside(start: Tensor, length: Tensor, size: int) -> Tensor:
    centres = (torch.arange(size, device=start.device, dtype=start.dtype) + 0.5) / size
    return (centres >= start[:, None]) & (centres < (start + length)[:, None])
