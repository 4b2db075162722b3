"""The synthetic shapes of the paper's figure: 5 classes of 300 points in the plane."""

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor

CLASSES, POINTS = 5, 300


def _uniform(low: float, high: float, shape: tuple[int, ...], generator: Generator) -> Tensor:
    return low + (high - low) * torch.rand(shape, generator=generator)


def uniform(generator: Generator) -> Tensor:
    return _uniform(-1, 1, (CLASSES, POINTS, 2), generator)


def circles(generator: Generator) -> Tensor:
    """Class i on a circle of radius 0.2 (i + 1), radial noise 0.01."""
    angle = _uniform(0, 2 * math.pi, (CLASSES, POINTS), generator)
    noise = 0.01 * torch.randn(CLASSES, POINTS, generator=generator)
    radius = 0.2 * torch.arange(1, CLASSES + 1)[:, None] + noise
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=2)


def lines(generator: Generator) -> Tensor:
    """Class i on a segment through the origin at angle 0.4 pi i, length uniform in [−1, 1], noise 0.05."""
    angle = 0.4 * math.pi * torch.arange(CLASSES)[:, None]
    length = _uniform(-1, 1, (CLASSES, POINTS), generator)
    points = torch.stack([length * angle.cos(), length * angle.sin()], dim=2)
    return points + 0.05 * torch.randn(points.shape, generator=generator)


def small_clumps(generator: Generator) -> Tensor:
    """Twenty centres a class, 15 points each, noise 0.01."""
    centers = _uniform(-1, 1, (CLASSES, 20, 2), generator).repeat_interleave(15, dim=1)
    return centers + 0.01 * torch.randn(centers.shape, generator=generator)


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


def draw(shape: str, seed: int) -> tuple[Tensor, Tensor]:
    """Points `[1500, 2]` of a shape and their classes."""
    points = SHAPES[shape](torch.Generator().manual_seed(seed))
    return points.reshape(-1, 2), torch.arange(CLASSES).repeat_interleave(POINTS)
