"""The random numbers of an augmentation, drawn for the global batch, so that they do not depend on how it is shared."""

import math
from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor

from csl.data.recipes import Range, Recipe

_CROP_ATTEMPTS = 10
_ERASE_RATIO = (0.3, 3.3)


@dataclass(frozen=True)
class Draw:
    """What is done to each of `N` images, on the CPU.

    Attributes:
        crop: Top, left, height, width in pixels `[N, 4]`.
        flip: Whether to mirror `[N]`.
        affine: Rotation and shear in degrees, shift right and down as shares of the size, scale `[N, 5]`.
        jitter: Factors of brightness, contrast and saturation, and the shift of hue in turns `[N, 4]`.
        order: The order of those four, one for the whole batch `[4]`.
        gray: Whether to take the colours away `[N]`.
        blur: Standard deviation of the Gaussian in pixels, 0 for none `[N]`.
        solarize: Whether to invert the bright half `[N]`.
        erase: Top, left, height, width of an erased box as shares of the size `[N, 4]`.
    """

    crop: Tensor
    flip: Tensor
    affine: Tensor
    jitter: Tensor
    order: Tensor
    gray: Tensor
    blur: Tensor
    solarize: Tensor
    erase: Tensor

    def rows(self, rows: slice) -> Self:
        """The part that belongs to some of the images."""
        parts = {f.name: getattr(self, f.name)[rows] for f in fields(self) if f.name != "order"}
        return type(self)(order=self.order, **parts)


def draw(recipe: Recipe, height: Tensor, width: Tensor) -> Draw:
    """Draw from torch's global CPU generator for images whose height and width are given in pixels `[N]`."""
    count = len(height)
    return Draw(
        crop=_draw_crop(recipe, height, width),
        flip=_chosen(count, recipe.flip_probability),
        affine=_draw_affine(recipe, count),
        jitter=_draw_jitter(recipe, count),
        order=torch.randperm(4),
        gray=_chosen(count, recipe.gray_probability),
        blur=_uniform(recipe.blur_sigma, count) * _chosen(count, recipe.blur_probability),
        solarize=_chosen(count, recipe.solarize_probability),
        erase=_draw_erase(recipe, count),
    )


def _uniform(bounds: Range, *shape: int) -> Tensor:
    return torch.rand(shape) * (bounds[1] - bounds[0]) + bounds[0]


def _log_uniform(bounds: Range, *shape: int) -> Tensor:
    return _uniform((math.log(bounds[0]), math.log(bounds[1])), *shape).exp()


def _chosen(count: int, probability: float) -> Tensor:
    return torch.rand(count) < probability


def _draw_crop(recipe: Recipe, height: Tensor, width: Tensor) -> Tensor:
    """Boxes as torchvision's `RandomResizedCrop` draws them: ten attempts, then the largest central one."""
    count = len(height)
    area = _uniform(recipe.crop_area, count, _CROP_ATTEMPTS) * (height * width)[:, None]
    ratio = _log_uniform(recipe.crop_ratio, count, _CROP_ATTEMPTS)
    sizes = torch.stack([(area / ratio).sqrt().round(), (area * ratio).sqrt().round()], dim=-1)
    limits = torch.stack([height, width], dim=1)
    fits = ((sizes >= 1) & (sizes <= limits[:, None])).all(-1)
    first = fits.float().argmax(1)
    fallback = _central_box(recipe.crop_ratio, height, width)
    size = torch.where(fits.any(1, keepdim=True), sizes[torch.arange(count), first], fallback)
    room = limits - size
    corner = torch.where(fits.any(1, keepdim=True), (torch.rand(count, 2) * (room + 1)).floor(), (room / 2).floor())
    return torch.cat([corner, size], dim=1)


def _central_box(ratio: Range, height: Tensor, width: Tensor) -> Tensor:
    narrow, wide = width / height < ratio[0], width / height > ratio[1]
    rows = torch.where(narrow, (width / ratio[0]).round(), height)
    columns = torch.where(wide, (height * ratio[1]).round(), width)
    return torch.stack([rows, columns], dim=1)


def _draw_affine(recipe: Recipe, count: int) -> Tensor:
    angles = _uniform((-1, 1), count, 2) * torch.tensor([recipe.rotation, recipe.shear])
    shifts = _uniform((-recipe.translation, recipe.translation), count, 2)
    return torch.cat([angles, shifts, _uniform(recipe.scale, count, 1)], dim=1)


def _draw_jitter(recipe: Recipe, count: int) -> Tensor:
    around = torch.tensor([1.0, 1.0, 1.0, 0.0])
    strengths = torch.tensor([recipe.brightness, recipe.contrast, recipe.saturation, recipe.hue])
    low = (around - strengths).clamp(min=0)
    low[3] = -recipe.hue
    factors = low + torch.rand(count, 4) * (around + strengths - low)
    return torch.where(_chosen(count, recipe.jitter_probability)[:, None], factors, around)


def _draw_erase(recipe: Recipe, count: int) -> Tensor:
    area, ratio = _uniform(recipe.erase_area, count), _log_uniform(_ERASE_RATIO, count)
    size = torch.stack([(area / ratio).sqrt(), (area * ratio).sqrt()], dim=1).clamp(max=1)
    size = size * _chosen(count, recipe.erase_probability)[:, None]
    return torch.cat([torch.rand(count, 2) * (1 - size), size], dim=1)
