"""Relative local density as a metric."""

from collections.abc import Sequence
from typing import Any

from csl.metrics.functional.relative_local_density import RLD
from csl.metrics.functional.relative_local_density_per_class import TEMPERATURES
from csl.metrics.rows_metric import RowsMetric


class RelativeLocalDensity(RowsMetric):
    """Relative local density; see `csl.metrics.functional.relative_local_density`.

    The value is `[T]`, logged as `rld_{T}`: one scalar a temperature, from −1/2 to 1 − 1/C and 0 by chance; high is
    good.

    Args:
        temperatures: T values.
        memory_budget: Bytes of distances that each process may keep between its passes over the pairs.
        precision: "ieee" or "tf32"; see `csl.pairwise.Streaming`.
        **kwargs: The arguments of `RowsMetric` and `torchmetrics.Metric`.

    Raises:
        ValueError: If a temperature is not positive.

    Example:
        >>> import torch
        >>> metric = RelativeLocalDensity([1.0, 0.1])
        >>> metric.update(torch.tensor([[0.0], [0.1], [5.0], [5.1]]), torch.tensor([0, 0, 1, 1]))
        >>> sorted(metric.scalars(metric.compute()))
        ['rld_0.1', 'rld_1.0']
    """

    measure = RLD

    def __init__(self, temperatures: Sequence[float] = TEMPERATURES, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.options = self.measure.options(temperatures=temperatures)
