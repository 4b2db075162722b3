"""Relative local density as a metric."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from csl.metrics import functional
from csl.metrics.rows_metric import RowsMetric
from csl.pairwise import MEMORY_BUDGET, Precision
from csl.pairwise.checks import check_temperatures


class RelativeLocalDensity(RowsMetric):
    """Relative local density; see `csl.metrics.functional.relative_local_density`.

    The value is `[T]`, logged as `rld_{T}`: one scalar a temperature, from −1/2 to 1 − 1/C and 0 by chance; high is
    good.

    Args:
        temperatures: T values.
        memory_budget: Bytes of distances that each process may keep between its passes over the pairs.
        precision: "ieee" or "tf32"; see `csl.pairwise.Streaming`.
        **kwargs: The arguments of `torchmetrics.Metric`.

    Raises:
        ValueError: If a temperature is not positive.

    Example:
        >>> import torch
        >>> metric = RelativeLocalDensity([1.0, 0.1])
        >>> metric.update(torch.tensor([[0.0], [0.1], [5.0], [5.1]]), torch.tensor([0, 0, 1, 1]))
        >>> sorted(metric.scalars(metric.compute()))
        ['rld_0.1', 'rld_1.0']
    """

    higher_is_better = True
    function = staticmethod(functional.relative_local_density)

    def __init__(
        self,
        temperatures: Sequence[float] = (1.0, 0.2, 0.1),
        memory_budget: int = MEMORY_BUDGET,
        precision: Precision = "ieee",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.temperatures = check_temperatures(temperatures)
        self.memory_budget, self.precision = memory_budget, precision

    @property
    def names(self) -> tuple[str, ...]:
        """`rld_{T}` for each temperature."""
        return tuple(f"rld_{temperature}" for temperature in self.temperatures)

    def compute(self) -> Tensor:
        """What the function of this name gives for all rows, float64."""
        return self.function(
            *self.rows(),
            self.temperatures,
            group=self.group,
            memory_budget=self.memory_budget,
            precision=self.precision,
        )
