"""Features on which careless arithmetic goes wrong."""

from collections.abc import Callable

import torch
from torch import Tensor


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def ordinary(n: int = 400, d: int = 16) -> Tensor:
    return torch.randn(n, d, generator=_generator())


def duplicates() -> Tensor:
    rows = ordinary(200)
    return torch.cat([rows, rows])


def clumps() -> Tensor:
    """Clumps of ten samples with a spread of 1e-4 of the scale."""
    centers = ordinary(40).repeat_interleave(10, dim=0)
    return centers + 1e-4 * torch.randn(400, 16, generator=_generator(1))


def collapsed_classes() -> Tensor:
    """Ten classes, row i of class i mod 10, each in nearly one place."""
    centers = torch.randn(10, 16, generator=_generator()).repeat(40, 1)
    return centers + 1e-5 * torch.randn(400, 16, generator=_generator(1))


def far_away() -> Tensor:
    return ordinary() + 1e3


def far_clumps() -> Tensor:
    return clumps() + 1e3


def outlier() -> Tensor:
    """One sample ten mean distances from the others."""
    rows = ordinary()
    rows[7] *= 10 * 5.6 / rows[7].norm()
    return rows


def wide() -> Tensor:
    return ordinary(300, 512)


CASES: dict[str, Callable[[], Tensor]] = {
    "ordinary": ordinary,
    "duplicates": duplicates,
    "clumps": clumps,
    "collapsed classes": collapsed_classes,
    "far from the origin": far_away,
    "clumps far from the origin": far_clumps,
    "outlier": outlier,
    "wide": wide,
}


def labels_for(features: Tensor) -> Tensor:
    return torch.arange(len(features)) % 10
