"""Relative local density of a very large file, estimated from some of its rows."""

import math
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from csl.metrics.functional import estimate_relative_local_density
from csl.metrics.functional.estimate_relative_local_density import Estimate
from csl.table import Cell, aligned

REPEATS = 10
_EXACT = 0.75  # times N² distances of an estimate take as long as the exact value: benchmarks/results/rld.md


class Estimated:
    """An estimate of relative local density at some temperatures, with its interval.

    Attributes:
        estimate: Value and standard error `[T]`.
        temperatures: T values.
        shape: N and D of the features.
        normalize: Whether the rows were measured with length 1.
        seconds: How long it took.
        notes: Why values are NaN, or why the exact value is the better choice.
    """

    def __init__(
        self,
        estimate: Estimate,
        temperatures: Sequence[float],
        shape: tuple[int, int],
        normalize: bool,
        seconds: float,
        notes: Sequence[str],
    ) -> None:
        self.estimate, self.temperatures, self.shape = estimate, temperatures, shape
        self.normalize, self.seconds, self.notes = normalize, seconds, [*notes]
        work = (3 + len(temperatures)) * estimate.rows
        if estimate.rows and work >= _EXACT * shape[0]:
            self.notes.append("The exact value takes less time here: leave --estimate out.")

    @property
    def pairs(self) -> int:
        """How many pairs were looked at: those of each drawn row with all other rows."""
        return self.estimate.rows * max(0, self.shape[0] - 1)

    def __str__(self) -> str:
        """A row a temperature, below what was drawn."""
        (samples, dimension), drawn = self.shape, self.estimate
        rows_are = "normalised to length 1" if self.normalize else "as they are"
        head = [
            f"{samples:,} samples of {dimension:,} dimensions; features {rows_are}",
            f"{drawn.rows:,} rows drawn in {drawn.repeats} repeats, each with all other rows: {self.pairs:,} pairs, "
            f"{self.seconds:.1f} seconds",
        ]
        rows: list[list[Cell]] = [["Estimate", "value", "standard error", "95 % from", "to"]]
        rows += [[f"  {name}", *found.values()] for name, found in self._values().items()]
        lines = aligned(rows, "lrrrr", [0, 11, 0, 9, 9])
        return "\n".join([*head, "", *lines, *([""] if self.notes else []), *self.notes])

    def to_json(self) -> dict[str, Any]:
        """Everything, with null where a number is not finite."""
        return {
            "samples": self.shape[0],
            "dimension": self.shape[1],
            "normalize": self.normalize,
            "estimates": {
                name: {key: value if math.isfinite(value) else None for key, value in found.items()}
                for name, found in self._values().items()
            },
            "rows": self.estimate.rows,
            "repeats": self.estimate.repeats,
            "pairs": self.pairs,
            "seconds": round(self.seconds, 4),
            "notes": self.notes,
        }

    def _values(self) -> dict[str, dict[str, float]]:
        columns = {
            "value": self.estimate.value,
            "standard_error": self.estimate.standard_error,
            **dict(zip(("low", "high"), self.estimate.interval(), strict=True)),
        }
        return {
            f"rld_{temperature}": {key: float(column[place]) for key, column in columns.items()}
            for place, temperature in enumerate(self.temperatures)
        }


def estimated(
    features: Tensor,
    labels: Tensor,
    temperatures: Sequence[float],
    rows: int,
    normalize: bool,
    watch: Callable[[str, float], None],
) -> Estimated:
    """Estimate relative local density from some rows, drawn in ten repeats.

    Args:
        features: `[N, D]`, already of length 1 where they are to be.
        labels: Their classes `[N]`.
        temperatures: T values.
        rows: How many rows to draw in all; at least one of each class is drawn in every repeat.
        normalize: Whether the features have been given length 1.
        watch: Called with what is computed and the share that is done.

    Raises:
        ValueError: If there are fewer rows than repeats, or as `estimate_relative_local_density` does.
    """
    if rows < REPEATS:
        raise ValueError(f"estimate: expected {REPEATS} rows or more, one for each repeat, got {rows}")
    start = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = estimate_relative_local_density(
            features,
            labels,
            temperatures,
            samples=rows // REPEATS,
            repeats=REPEATS,
            progress=lambda share: watch("rld, estimated", share),
        )
    seconds = time.perf_counter() - start
    notes = dict.fromkeys(str(warning.message) for warning in caught)
    return Estimated(found, temperatures, (len(features), features.shape[1]), normalize, seconds, [*notes])
