"""The synthetic shapes of the paper's figure: 5 classes of 300 points in the plane.

Zhang, Lu, Xuan, "How Does Contrastive Learning Organize Images?" (2024, arXiv 2305.10229).
"""

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor

from csl.randomness import derive_generator

CLASSES, POINTS = 5, 300
TEMPERATURE = 0.05


def _uniform(low: float, high: float, shape: tuple[int, ...], generator: Generator) -> Tensor:
    return low + (high - low) * torch.rand(shape, generator=generator)


def uniform(generator: Generator) -> Tensor:
    """Every class uniform in the square [−1, 1]², `[5, 300, 2]`."""
    return _uniform(-1, 1, (CLASSES, POINTS, 2), generator)


def circles(generator: Generator) -> Tensor:
    """Class i on a circle of radius 0.2 (i + 1), radial noise 0.01."""
    angle = _uniform(0, 2 * math.pi, (CLASSES, POINTS), generator)
    noise = 0.01 * torch.randn(CLASSES, POINTS, generator=generator)
    radius = 0.2 * torch.arange(1, CLASSES + 1)[:, None] + noise
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=2)


def lines(generator: Generator) -> Tensor:
    """Class i on a segment through the origin at angle 0.4π·i, length uniform in [−1, 1], noise 0.05."""
    angle = 0.4 * math.pi * torch.arange(CLASSES)[:, None]
    length = _uniform(-1, 1, (CLASSES, POINTS), generator)
    points = torch.stack([length * angle.cos(), length * angle.sin()], dim=2)
    return points + 0.05 * torch.randn(points.shape, generator=generator)


def clumps(count: int, generator: Generator) -> Tensor:
    """So many centres a class, uniform in [−1, 1]², which share its points evenly; noise 0.01."""
    centers = _uniform(-1, 1, (CLASSES, count, 2), generator)[:, torch.arange(POINTS) * count // POINTS]
    return centers + 0.01 * torch.randn(centers.shape, generator=generator)


def small_clumps(generator: Generator) -> Tensor:
    """Twenty centres a class, 15 points each, noise 0.01."""
    return clumps(20, generator)


def random_segments(generator: Generator) -> Tensor:
    """A segment between two uniform points; position N(0.5, 0.1) along it, noise 0.01."""
    ends = _uniform(-1, 1, (2, CLASSES, 1, 2), generator)
    position = 0.5 + 0.1 * torch.randn(CLASSES, POINTS, 1, generator=generator)
    points = ends[0] + position * (ends[1] - ends[0])
    return points + 0.01 * torch.randn(points.shape, generator=generator)


def gaussians(generator: Generator) -> Tensor:
    """Five well-separated centres, noise 0.1."""
    angle = 2 * math.pi * torch.arange(CLASSES) / CLASSES
    centers = 0.8 * torch.stack([angle.cos(), angle.sin()], dim=1)
    return centers[:, None] + 0.1 * torch.randn(CLASSES, POINTS, 2, generator=generator)


SHAPES: dict[str, Callable[[Generator], Tensor]] = {
    "uniform": uniform,
    "circles": circles,
    "lines": lines,
    "small clumps": small_clumps,
    "random segments": random_segments,
    "Gaussians": gaussians,
}


def draw(shape: str, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Points `[1500, 2]` of a shape and their classes `[1500]`.

    Args:
        shape: One of `SHAPES`.
        seed: Of the draw.

    Raises:
        ValueError: If there is no such shape.

    Example:
        >>> points, classes = draw("circles")
        >>> points.shape, classes.bincount().tolist()
        (torch.Size([1500, 2]), [300, 300, 300, 300, 300])
    """
    if shape not in SHAPES:
        raise ValueError(f"shape: expected one of {', '.join(SHAPES)}, got {shape!r}")
    return in_rows(SHAPES[shape](torch.Generator().manual_seed(seed)))


def draw_clumps(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Points `[1500, 2]` of classes that lie in so many clumps each, and their classes `[1500]`.

    Raises:
        ValueError: If the count is not 1 to 300.
    """
    if not 1 <= count <= POINTS:
        raise ValueError(f"clumps: expected 1 to {POINTS} a class, got {count}")
    return in_rows(clumps(count, derive_generator(seed, "clumps", count)))


def in_rows(points: Tensor) -> tuple[Tensor, Tensor]:
    """Points of classes `[5, 300, 2]` as rows, and the class of each row."""
    return points.reshape(-1, 2), torch.arange(CLASSES).repeat_interleave(POINTS)
