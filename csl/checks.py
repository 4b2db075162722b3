"""Checks of arguments that many constructors share; each error names the argument, what was expected, what came."""

import math
from collections.abc import Iterable
from typing import Any


def check_positive(**values: int) -> None:
    """Raise a `ValueError` that names the first number below 1.

    Example:
        >>> check_positive(width=16, depth=0)
        Traceback (most recent call last):
        ...
        ValueError: depth: expected a positive number, got 0
    """
    for name, value in values.items():
        if value < 1:
            raise ValueError(f"{name}: expected a positive number, got {value}")


def check_temperature(**values: float) -> None:
    """Raise a `ValueError` that names the first number that is not positive and finite."""
    for name, value in values.items():
        if not 0.0 < value < math.inf:
            raise ValueError(f"{name}: expected a positive number, got {value}")


def check_share(**values: float) -> None:
    """Raise a `ValueError` that names the first number outside 0 to 1."""
    for name, value in values.items():
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"{name}: expected a number from 0 to 1, got {value}")


def check_range(name: str, value: float, above: float | None = None, below: float = math.inf) -> None:
    """Raise a `ValueError` unless the number is at least 0 (or above a bound) and below another bound."""
    lowest = "at least 0" if above is None else f"above {above:g}"
    if not (value >= 0 if above is None else value > above) or not value < below:
        limit = "finite" if below == math.inf else f"below {below:g}"
        raise ValueError(f"{name}: expected a number {lowest} and {limit}, got {value}")


def check_views(views: Iterable[Any]) -> None:
    """Raise a `ValueError` unless these are groups of views (`csl.types.View`) that can be drawn.

    Example:
        >>> from csl.types import View
        >>> check_views((View(2), View(scale=0.0)))
        Traceback (most recent call last):
        ...
        ValueError: views: expected a scale above 0, got 0.0
    """
    if not isinstance(views, tuple | list) or not all(hasattr(view, "crop_area") for view in views) or not views:
        raise ValueError(f"views: expected a tuple of csl.types.View, such as (View(2),), got {views!r}")
    for view in views:
        low, high = view.crop_area or (1.0, 1.0)
        if view.count < 1:
            raise ValueError(f"views: expected a count of at least 1, got {view.count}")
        if not view.scale > 0:
            raise ValueError(f"views: expected a scale above 0, got {view.scale}")
        if not 0 < low <= high <= 1:
            raise ValueError(f"views: expected a crop_area of two ascending shares, got {view.crop_area}")
