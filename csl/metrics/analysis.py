"""The whole panel on features from anywhere: one call, one table."""

import math
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import torch

from csl.checks import check_positive
from csl.io import as_array, as_labels, free_memory
from csl.metrics.forecast import costs, forecast
from csl.metrics.functional.neighbor_agreement import KS
from csl.metrics.functional.relative_local_density_per_class import TEMPERATURES
from csl.metrics.measure import Choices, Measure, Options, Size, Turn
from csl.metrics.measures import DEFAULT, MEASURES, in_order
from csl.metrics.samples import Samples
from csl.pairwise import check_temperatures
from csl.table import Cell, aligned

Watcher: TypeAlias = Callable[[str, float], None]


class Analysis(dict[str, float]):
    """What was measured, by name; printed as a table under the headings of the panel.

    Attributes:
        samples: N.
        dimension: D.
        classes: C, 0 for features without labels.
        normalize: Whether the rows were measured with length 1.
        seconds: How long each measure took, by the measure's name; what several share, such as a search for
            neighbours, is counted where it is first needed.
        notes: Why values are NaN, and what was left out.

    Example:
        >>> result = analyze(torch.eye(4), metrics=["rankme", "effective_rank"])
        >>> result.samples, result.classes, round(result["rankme"], 6)
        (4, 0, 4.0)
        >>> sorted(result.to_json()["values"])
        ['effective_rank', 'rankme']
    """

    def __init__(self, samples: int, dimension: int, classes: int, normalize: bool) -> None:
        super().__init__()
        self.samples, self.dimension, self.classes, self.normalize = samples, dimension, classes, normalize
        self.seconds: dict[str, float] = {}
        self.notes: list[str] = []
        self._rows: list[tuple[Measure, list[str]]] = []

    def in_order(self, measures: Sequence[Measure]) -> "Analysis":
        """The same, with the measures in this order."""
        ordered = Analysis(self.samples, self.dimension, self.classes, self.normalize)
        for measure, names in sorted(self._rows, key=lambda row: measures.index(row[0])):
            ordered.add(measure, {name: self[name] for name in names}, self.seconds[measure.name])
        ordered.notes = self.notes
        return ordered

    def add(self, measure: Measure, values: dict[str, float], seconds: float) -> None:
        """Take in the values of one measure."""
        self.update(values)
        self.seconds[measure.name] = seconds
        self._rows.append((measure, list(values)))

    def __str__(self) -> str:
        """The table: a heading a family, a row a value."""
        known = f"{self.classes:,} classes" if self.classes else "no labels"
        rows: list[list[Cell]] = []
        family = ""
        for measure, names in self._rows:
            if measure.family != family:
                family = measure.family
                rows += [[], [family, "value", "seconds", ""]]
            seconds = f"{self.seconds[measure.name]:.1f}"
            remarks = [(seconds, f" {measure.meaning}"), *[("", "")] * (len(names) - 1)]
            rows += [[f"  {name}", self[name], *remark] for name, remark in zip(names, remarks, strict=True)]
        rows_are = "normalised to length 1" if self.normalize else "as they are"
        lines = [f"{self.samples:,} samples of {self.dimension:,} dimensions, {known}; features {rows_are}"]
        lines += aligned(rows, sides="lrrl", least=[0, 11, 9, 0])
        shared = ["Seconds of shared work stand where it was first needed."] if len(self._rows) > 1 else []
        return "\n".join([*lines, *([""] if shared or self.notes else []), *shared, *self.notes])

    def to_json(self) -> dict[str, Any]:
        """Everything, for a JSON file: NaN and infinity, which JSON does not know, are null."""
        return {
            "samples": self.samples,
            "dimension": self.dimension,
            "classes": self.classes,
            "normalize": self.normalize,
            "values": {name: value if math.isfinite(value) else None for name, value in self.items()},
            "seconds": {name: round(seconds, 4) for name, seconds in self.seconds.items()},
            "notes": self.notes,
        }


def analyze(
    features: Any,
    labels: Any = None,
    *,
    metrics: Sequence[str | Measure] | None = None,
    normalize: bool = True,
    temperatures: Sequence[float] = TEMPERATURES,
    ks: Sequence[int] = KS,
    watch: Watcher | None = None,
    expect: Callable[[float], None] | None = None,
) -> Analysis:
    """Measure how features are organized, with the whole panel: no training, no logger, no callback.

    Args:
        features: `[N, D]`, a tensor or any array-like, see `csl.io.as_array`.
        labels: Classes `[N]`, words or any integers but −1; None leaves out what needs them.
        metrics: Names of measures, some of `csl.metrics.measures.MEASURES`, or measures of your own; None for the
            panel.
        normalize: Whether to measure the rows with length 1, as the paper does; false for the rows as they are.
        temperatures: T of relative local density.
        ks: Numbers of neighbours of neighbour agreement.
        watch: Called now and then with the measure at work and the share of all work that is done, from 0 to 1.
        expect: Called before anything is measured with about how many seconds all of it will take.

    Returns:
        Values by the names that a training log gives them; `print` shows a table.

    Raises:
        ValueError: If features are no finite matrix, labels do not match, or a name, temperature or k is none.

    Example:
        >>> x = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
        >>> result = analyze(x, torch.arange(50) % 2, metrics=["rld", "rankme"], temperatures=[0.1])
        >>> sorted(result)
        ['rankme', 'rld_0.1']
        >>> print(result)
        50 samples of 4 dimensions, 2 classes; features normalised to length 1
        <BLANKLINE>
        Local density        value    seconds
          rld_0.1...
    """
    values = as_array(features, "features")
    if not isinstance(values, torch.Tensor):
        raise ValueError(f"features: expected numbers [N, D], got words, such as {str(values.flat[0])!r}")
    values = values if values.is_floating_point() or values.is_complex() else values.float()
    known = None if labels is None else as_array(labels, "labels")
    if known is not None and not isinstance(known, torch.Tensor):
        known = as_labels(known, "labels", len(values))[0]
    measures = _chosen(metrics, known is not None)
    choices = Choices(check_temperatures(temperatures), tuple(ks))
    for k in choices.ks:
        check_positive(ks=k)
    measures, left_out = _that_fit(measures, values, is_panel=metrics is None)
    samples = Samples(
        values,
        known if any(measure.labeled for measure in measures) else None,
        neighbors=[measure.neighbors(**options) for measure, options in _computed(measures, choices)],
        normalize=normalize,
        shared=True,
    )
    total, dimension = samples.features.shape
    result = Analysis(total, dimension, 0 if known is None else len(torch.unique(known.long())), normalize)
    if known is None and metrics is None:
        result.notes.append("Without labels, only what needs none was measured.")
    result.notes += left_out
    if expect is not None:
        expect(forecast(measures, Size(total, dimension, result.classes), samples.features.device))
    _measure(result, measures, samples, choices, watch)
    return result.in_order(measures)


def _chosen(metrics: Sequence[str | Measure] | None, labeled: bool) -> list[Measure]:
    """The measures, family by family."""
    if metrics is None:
        return [MEASURES[name] for name in DEFAULT if labeled or not MEASURES[name].labeled]
    chosen = {}
    for one in metrics:
        if isinstance(one, str) and one not in MEASURES:
            raise ValueError(f"metrics: expected some of {', '.join(MEASURES)}, got {one!r}")
        measure = MEASURES[one] if isinstance(one, str) else one
        if measure.labeled and not labeled:
            raise ValueError(f"metrics: expected measures that need no labels, for there are none, got {measure.name}")
        chosen[measure.name] = measure
    return in_order(chosen.values())


def _that_fit(measures: list[Measure], values: torch.Tensor, is_panel: bool) -> tuple[list[Measure], list[str]]:
    """The measures for which memory has room: all of them, or those that look at a block of rows at a time.

    Raises:
        ValueError: If there is no room for one that was asked for by name.
    """
    size = values.numel() * 4  # the rows in float32
    if values.device.type != "cpu" or size <= free_memory() or all(measure.by_blocks for measure in measures):
        return measures, []
    fitting = [measure for measure in measures if measure.by_blocks]
    others = ", ".join(measure.name for measure in measures if not measure.by_blocks)
    reason = f"they hold all rows in memory, {size / 1e9:.1f} GB, of which {free_memory() / 1e9:.1f} GB are free"
    if not is_panel:
        names = ", ".join(name for name, measure in MEASURES.items() if measure.by_blocks)
        raise ValueError(f"metrics: expected some that look at blocks of rows ({names}), got {others}; {reason}")
    return fitting, [f"Left out: {others}; {reason}."]


def _measure(
    result: Analysis, measures: Sequence[Measure], samples: Samples, choices: Choices, watch: Watcher | None
) -> None:
    """Compute each measure, and tell how far all of them are, by what each of them costs.

    Those that go over the same pairs come together: the distances, which they share, are forgotten then.
    """
    measures = sorted(measures, key=lambda measure: measure.turn)
    size = Size(result.samples, result.dimension, result.classes)
    expected = costs(measures, size)
    for position, measure in enumerate(measures):
        before, cost = sum(expected[:position]), expected[position]

        def progress(share: float, name: str = measure.name, before: float = before, cost: float = cost) -> None:
            if watch is not None:
                watch(name, (before + share * cost) / sum(expected))

        progress(0.0)
        samples.progress = progress
        if measure.turn == Turn.REST:
            samples.release()
        start = time.perf_counter()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            values = _values(measure, samples, choices)
        seconds = time.perf_counter() - start
        result.notes += dict.fromkeys(str(warning.message) for warning in caught)
        result.add(measure, values, seconds)
        progress(1.0)


def _computed(measures: Iterable[Measure], choices: Choices) -> Iterator[tuple[Measure, Options]]:
    """Each measure with the options of each of its computations."""
    for measure in measures:
        for options in measure.panel(choices):
            yield measure, measure.options(**options)


def _values(measure: Measure, samples: Samples, choices: Choices) -> dict[str, float]:
    """The scalars of a measure; on a GPU nothing is computed for sure before it is asked for."""
    found: dict[str, float] = {}
    for _, options in _computed([measure], choices):
        scalars = measure.scalars(measure.of(samples, **options), **options)
        found |= {name: float(value) for name, value in scalars.items()}
    return found
