"""Every declared measure with its class, its function and what its own file of tests holds against it."""

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from torch import Tensor

from csl.metrics import FeatureMetric
from csl.metrics.classes import metric_classes
from csl.metrics.measure import Measure
from csl.metrics.measures import MEASURES
from tests.metrics.reference import Reference


class Entry(NamedTuple):
    """A measure.

    Attributes:
        measure: What is declared of it.
        reference: What its tests hold against it.
        shell: Makes its class, with the options of the reference.
        function: Its function of (features, labels, group=None), with the same options.
    """

    measure: Measure
    reference: Reference
    shell: Callable[..., FeatureMetric]
    function: Callable[..., Tensor]

    @property
    def names(self) -> list[str]:
        """What its scalars are called."""
        return list(self.measure.scalar_names(**self.reference.options))


def _references(measure: Measure) -> dict[str, Reference]:
    module = measure.function.__module__.rpartition(".")[2]
    found: dict[str, Reference] = importlib.import_module(f"tests.metrics.functional.test_{module}").REFERENCES
    return found


def _entry(measure: Measure) -> Entry:
    reference = _references(measure)[measure.name]

    def function(features: Tensor, labels: Tensor, **group: Any) -> Tensor:
        rows = (features, labels) if measure.labeled else (features,)
        return measure.function(*rows, **reference.options, **group)

    return Entry(measure, reference, partial(metric_classes()[measure.function], **reference.options), function)


PANEL = {name: _entry(measure) for name, measure in MEASURES.items()}
