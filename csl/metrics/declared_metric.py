"""Metrics whose names, direction and value come from what is declared beside their functions."""

from typing import Any, ClassVar

from torch import Tensor

from csl.metrics.feature_metric import FeatureMetric
from csl.metrics.measure import Measure, Options
from csl.metrics.samples import Samples


class DeclaredMetric(FeatureMetric):
    """The class beside a function; a subclass states its `measure`.

    Attributes:
        measure: What is declared beside the function.
        options: Of the measure, by name: its defaults, unless a subclass sets what `measure.options` checked.

    Args:
        **kwargs: The arguments of `torchmetrics.Metric`.
    """

    measure: ClassVar[Measure]
    options: Options

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "measure" in vars(cls):
            cls.higher_is_better = cls.measure.higher_is_better

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.options = self.measure.options()

    @property
    def names(self) -> tuple[str, ...]:
        """What the scalars of this metric are called in a log; known before anything is computed."""
        return self.measure.scalar_names(**self.options)

    def scalars(self, value: Tensor) -> dict[str, Tensor]:
        """The value that `compute` returned as scalars for a log, by name."""
        return self.measure.scalars(value, **self.options)

    def of(self, samples: Samples) -> Tensor:
        """The value of a set that others measure too, without an update; float64."""
        return self.measure.of(samples, **self.options)
