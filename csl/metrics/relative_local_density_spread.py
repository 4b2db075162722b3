"""The share of samples that relative local density rests on, as a metric."""

from collections.abc import Sequence
from typing import Any

from csl.metrics.functional.relative_local_density_per_class import TEMPERATURES
from csl.metrics.functional.relative_local_density_spread import RLD_SPREAD
from csl.metrics.rows_metric import RowsMetric


class RelativeLocalDensitySpread(RowsMetric):
    """The share of samples that relative local density rests on; see the function of this name.

    The value is `[T]`, logged as `rld_spread_{T}`: one scalar per temperature, from 0 to 1. Arguments and errors are
    those of `RelativeLocalDensity`.

    Example:
        >>> import torch
        >>> metric = RelativeLocalDensitySpread([0.1])
        >>> metric.update(torch.tensor([[0.0], [0.1], [5.0], [5.1]]), torch.tensor([3, 3, 7, 7]))
        >>> metric.compute().round(decimals=3)
        tensor(1., dtype=torch.float64)
    """

    measure = RLD_SPREAD

    def __init__(self, temperatures: Sequence[float] = TEMPERATURES, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.options = self.measure.options(temperatures=temperatures)
