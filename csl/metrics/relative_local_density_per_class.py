"""The classes' contributions to relative local density as a metric."""

from collections.abc import Sequence
from typing import Any

from csl.metrics.functional.relative_local_density_per_class import RLD_PER_CLASS, TEMPERATURES
from csl.metrics.rows_metric import RowsMetric


class RelativeLocalDensityPerClass(RowsMetric):
    """What each class contributes to relative local density; see the function of this name.

    The value is float64 `[T, C]`, entries from −1/4 to 1/4; a scalar, as torchmetrics makes it, for one of both. High
    is good. Logged as `lowest_class_rld_{T}`, the least contribution, one scalar a temperature. Arguments and errors
    are those of `RelativeLocalDensity`.

    Example:
        >>> import torch
        >>> metric = RelativeLocalDensityPerClass([0.1])
        >>> metric.update(torch.tensor([[0.0], [0.1], [5.0], [5.1]]), torch.tensor([3, 3, 7, 7]))
        >>> metric.compute().round(decimals=3)
        tensor([[0.2500, 0.2500]], dtype=torch.float64)
    """

    measure = RLD_PER_CLASS

    def __init__(self, temperatures: Sequence[float] = TEMPERATURES, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.options = self.measure.options(temperatures=temperatures)
