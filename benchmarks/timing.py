"""Rates that can be compared: the candidates take turns, so that what else the machine does meets all of them."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch

CPU = torch.device("cpu")


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
    for candidate in candidates.values():
        candidate()
    return in_turns({name: sustained(candidate) for name, candidate in candidates.items()}, seconds, rounds)


def in_turns(candidates: Mapping[str, Callable[[float], float]], seconds: float, rounds: int) -> dict[str, Rate]:
    """Let each candidate work for some seconds, in turns.

    Args:
        candidates: By name, what works for so many seconds and returns how many items a second it did.
        seconds: How long each one works in a round.
        rounds: How many rounds there are.
    """
    found: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, candidate in candidates.items():
            gc.collect()
            found[name].append(candidate(seconds))
    return {name: Rate(statistics.median(values), min(values), max(values)) for name, values in found.items()}


def sustained(work: Callable[[], int], device: torch.device = CPU) -> Callable[[float], float]:
    """Work that is repeated for so many seconds, at how many items a second.

    Args:
        work: Does some items and returns how many.
        device: Where it does them; waited for before and after, but not in between.
    """

    def rate(seconds: float) -> float:
        finish(device)
        start, items = time.perf_counter(), 0
        while time.perf_counter() - start < seconds:
            items += work()
        finish(device)
        return items / (time.perf_counter() - start)

    return rate


def finish(device: torch.device) -> None:
    """Wait for what a GPU still has to do, so that a clock that is read now tells the truth."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
