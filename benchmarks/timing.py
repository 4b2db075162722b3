"""Rates that can be compared: the candidates take turns, so that what else the machine does meets all of them."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple


class Rate(NamedTuple):
    """Items a second over several rounds.

    Attributes:
        median: The middle round.
        low: The slowest round.
        high: The fastest round.
    """

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:,.0f} ({self.low:,.0f} to {self.high:,.0f})"


def rates(candidates: Mapping[str, Callable[[], int]], seconds: float, rounds: int) -> dict[str, Rate]:
    """Call each candidate for some seconds, in turns, after a first call that does not count.

    Args:
        candidates: By name, what to call; it returns how many items it has done.
        seconds: How long each one works in a round.
        rounds: How many rounds there are.
    """
    found: dict[str, list[float]] = {name: [] for name in candidates}
    for candidate in candidates.values():
        candidate()
    for _ in range(rounds):
        for name, candidate in candidates.items():
            gc.collect()
            start, items = time.perf_counter(), 0
            while time.perf_counter() - start < seconds:
                items += candidate()
            found[name].append(items / (time.perf_counter() - start))
    return {name: Rate(statistics.median(values), min(values), max(values)) for name, values in found.items()}
