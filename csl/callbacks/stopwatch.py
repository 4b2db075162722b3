"""What measuring costs, in seconds, and its share of a fit."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

import torch


class Stopwatch:
    """Seconds by name: those of the current pass, and those of the whole fit.

    Example:
        >>> watch = Stopwatch()
        >>> with watch.timed("features", torch.device("cpu")):
        ...     pass
        >>> list(watch.lap())
        ['features']
        >>> watch.report().partition(" took ")[0]
        'measuring'
    """

    def __init__(self) -> None:
        self._started = perf_counter()
        self._lap: dict[str, float] = defaultdict(float)
        self._total: dict[str, float] = defaultdict(float)

    @contextmanager
    def timed(self, name: str, device: torch.device, since: float | None = None) -> Iterator[None]:
        """Time a block, or what happened `since` a moment of `time.perf_counter` up to the block's end."""
        start = perf_counter() if since is None else since
        try:
            yield
        finally:
            if device.type == "cuda":  # which may still be at work when the host goes on
                torch.cuda.synchronize(device)
            seconds = perf_counter() - start
            self._lap[name] += seconds
            self._total[name] += seconds

    def lap(self) -> dict[str, float]:
        """The seconds since the last call, by name."""
        seconds, self._lap = self._lap, defaultdict(float)
        return dict(seconds)

    def report(self) -> str:
        """A line that says what share of the time since the watch was made was timed; empty if nothing was."""
        whole, timed = perf_counter() - self._started, sum(self._total.values())
        parts = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in self._total.items())
        return f"measuring took {timed:.1f} s of {whole:.1f} s, {timed / whole:.0%}: {parts}" if self._total else ""
