"""Checks of arguments that several methods have."""

import math


def check_temperature(temperature: float) -> None:
    """Raise a `ValueError` unless the temperature is positive and finite."""
    if not 0.0 < temperature < math.inf:
        raise ValueError(f"temperature: expected a positive number, got {temperature}")


def check_share(**values: float) -> None:
    """Raise a `ValueError` that names the first value outside 0 to 1."""
    for name, value in values.items():
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"{name}: expected a number from 0 to 1, got {value}")


def check_positive(**values: int) -> None:
    """Raise a `ValueError` that names the first number below 1."""
    for name, value in values.items():
        if value < 1:
            raise ValueError(f"{name}: expected a positive number, got {value}")
