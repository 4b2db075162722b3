"""Random views of a batch of images, on the batch's own device, with parameters of its own for every image."""

from collections.abc import Callable, Iterable, Iterator
from copy import copy
from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor, nn

from csl.data import color, geometry
from csl.data.canvas import heights_and_widths
from csl.data.draws import Draw, draw
from csl.data.recipes import Range, Recipe, recipe_for
from csl.distributed import shard_of

# A CPU works through a batch in pieces of so many pixels, whose intermediate results stay in its cache: 128 images of
# 32×32, which is twice as fast as 512 at once.
_CACHED_PIXELS = 128 * 32 * 32
_MEANINGLESS_BELOW = {"crop_area": 0.0, "crop_ratio": 0.0, "scale": 0.0, "blur_sigma": 0.0, "erase_area": -1.0}


class Augmentation(nn.Module):
    """One random view of each image: crop, mirror, affine, jitter, grey, blur, solarisation, erasure, in that order.

    What is left out follows the recipe for the size of the images (`csl.data.recipes`), so that changing one strength
    changes no other. Numbers are drawn on the CPU from torch's global generator, for the global batch of all
    processes: a seed gives the same views on every device and for any number of processes.

    Args:
        image_size: Height and width of the views, in pixels.
        crop_area: Smallest and largest share of the image's area that a crop keeps.
        crop_ratio: Narrowest and widest ratio of a crop's width to its height.
        flip_probability: How often to mirror.
        rotation: Largest turn either way, in degrees.
        translation: Largest shift, as a share of the size.
        scale: Smallest and largest magnification.
        shear: Largest slant either way, in degrees.
        brightness: The factor is drawn from 1 ± this.
        contrast: The factor is drawn from 1 ± this.
        saturation: The factor is drawn from 1 ± this; colour images only.
        hue: The shift is drawn from ± this share of a turn, at most 0.5; colour images only.
        jitter_probability: How often to change these four, in an order drawn for the batch.
        gray_probability: How often to take the colours away.
        blur_probability: How often to blur.
        blur_sigma: Smallest and largest standard deviation of the blur, in pixels.
        solarize_probability: How often to invert the pixels above a half.
        erase_probability: How often to black out a box.
        erase_area: Smallest and largest share of the area that the box takes.

    Attributes:
        given: The strengths that were given, by name.

    Raises:
        ValueError: If a strength is out of its range.

    Example:
        >>> import torch
        >>> images = torch.randint(256, (4, 3, 32, 32), dtype=torch.uint8)
        >>> view = Augmentation(blur_probability=0.5)(images)
        >>> view.shape, bool((view >= 0).all() and (view <= 1).all())
        (torch.Size([4, 3, 32, 32]), True)
    """

    def __init__(
        self,
        image_size: int | None = None,
        crop_area: Range | None = None,
        crop_ratio: Range | None = None,
        flip_probability: float | None = None,
        rotation: float | None = None,
        translation: float | None = None,
        scale: Range | None = None,
        shear: float | None = None,
        brightness: float | None = None,
        contrast: float | None = None,
        saturation: float | None = None,
        hue: float | None = None,
        jitter_probability: float | None = None,
        gray_probability: float | None = None,
        blur_probability: float | None = None,
        blur_sigma: Range | None = None,
        solarize_probability: float | None = None,
        erase_probability: float | None = None,
        erase_area: Range | None = None,
    ) -> None:
        given = {name: value for name, value in locals().items() if name in _STRENGTHS and value is not None}
        super().__init__()
        self.given = {name: _checked(name, value) for name, value in given.items()}
        self._recipe: Recipe | None = None

    def follow(self, recipe: Recipe) -> "Augmentation":
        """The augmentation that takes from a recipe what was not given to this one."""
        other = copy(self)
        other._recipe = replace(recipe, **self.given)
        return other

    def recipe(self, image_size: int) -> Recipe:
        """All strengths; those that suit images of a size where nothing was followed."""
        return self._recipe or replace(recipe_for(self.given.get("image_size", image_size)), **self.given)

    def without(self, names: Iterable[str]) -> "Augmentation":
        """The augmentation that leaves some strengths of this one open."""
        other = copy(self)
        other.given = {name: value for name, value in self.given.items() if name not in set(names)}
        return other

    def forward(
        self,
        images: Tensor,
        rank: int = 0,
        world_size: int = 1,
        dtype: torch.dtype = torch.float32,
        sizes: Tensor | None = None,
    ) -> Tensor:
        """Draw one view of each image.

        Args:
            images: uint8, or float in [0, 1], `[B, C, H, W]`.
            rank: Which of the equal shares of the global batch this is.
            world_size: How many shares there are.
            dtype: What to compute in and to return: float32, or float16, whose rounding stays below that of 8 bits;
                bfloat16's does not.
            sizes: Height and width of each image `[B, 2]`, in the upper left of its place; None where all fill it.

        Returns:
            `dtype` in [0, 1], `[B, C, image_size, image_size]`.
        """
        count, channels, height, width = images.shape
        recipe = self.recipe(min(height, width))
        own = shard_of(count * world_size, rank, world_size)
        shapes = torch.tensor([float(height), float(width)]).repeat(count * world_size, 1)
        # What other processes' images are like changes no number of ours.
        shapes[own] = torch.stack(heights_and_widths(images, sizes), dim=1)
        drawn = draw(recipe, *shapes.unbind(dim=1)).rows(own)
        if images.device.type != "cpu":
            return _view(images, drawn, recipe, dtype)
        out = torch.empty((count, channels, recipe.image_size, recipe.image_size), dtype=dtype)
        for rows in pieces(count, max(height * width, recipe.image_size**2)):
            out[rows] = _view(images[rows], drawn.rows(rows), recipe, dtype)
        return out

    def extra_repr(self) -> str:
        """The strengths that were given."""
        return ", ".join(f"{name}={value}" for name, value in self.given.items())


def _view(images: Tensor, drawn: Draw, recipe: Recipe, dtype: torch.dtype) -> Tensor:
    """One view of each image, as drawn."""
    part, boxes = geometry.trimmed(images, drawn.crop)
    views = geometry.resample(to_unit(part, dtype), boxes, recipe.image_size, drawn.flip)
    if recipe.rotation or recipe.translation or recipe.shear or recipe.scale != (1, 1):
        views = geometry.affine(views, drawn.affine)
    strengths = (recipe.brightness, recipe.contrast, recipe.saturation, recipe.hue)
    if recipe.jitter_probability:
        views = color.jitter(views, drawn.jitter, [op for op in drawn.order.tolist() if strengths[op]])
    if images.shape[1] == 3:
        views = _where(drawn.gray, views, color.gray)
    views = _where(drawn.blur > 0, views, geometry.blur, drawn.blur)
    views = _where(drawn.solarize, views, color.solarize)
    return geometry.erase(views, drawn.erase) if recipe.erase_probability else views.clamp_(0, 1)


def pieces(count: int, pixels: int) -> Iterator[slice]:
    """The rows of a batch in pieces that a CPU's cache holds, for images of so many pixels."""
    rows = max(1, _CACHED_PIXELS // pixels)
    return (slice(start, start + rows) for start in range(0, count, rows))


_STRENGTHS = frozenset(field.name for field in fields(Recipe))


def to_unit(images: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Images as floats in [0, 1], of which uint8 is the only form that is not."""
    return images.to(dtype) if images.is_floating_point() else images.to(dtype).div_(255)


def _where(chosen: Tensor, images: Tensor, operation: Callable[..., Tensor], *parameters: Tensor) -> Tensor:
    """Apply an operation to the chosen images only; the choice is known on the CPU, so no device waits for it."""
    rows = chosen.nonzero().flatten()
    if len(rows) == 0:
        return images
    there = rows.to(images.device, non_blocking=True)
    changed = operation(images[there], *(parameter[rows] for parameter in parameters))
    return images.index_copy(0, there, changed)


def _checked(name: str, value: Any) -> Any:
    if name == "image_size":
        if value < 1:
            raise ValueError(f"image_size: expected a positive number of pixels, got {value}")
    elif isinstance(value, (tuple, list)):
        low, high = value
        if not _MEANINGLESS_BELOW[name] < low <= high:
            raise ValueError(f"{name}: expected two positive numbers in ascending order, got {value}")
        if name.endswith("area") and high > 1:
            raise ValueError(f"{name}: expected shares of the area, at most 1, got {value}")
        return (float(low), float(high))
    elif value < 0 or (name.endswith("probability") and value > 1) or (name == "hue" and value > 0.5):
        limit = {"hue": "between 0 and 0.5"}.get(name, "between 0 and 1" if "prob" in name else "of at least 0")
        raise ValueError(f"{name}: expected a number {limit}, got {value}")
    return value
