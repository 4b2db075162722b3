"""The classes' contributions to relative local density as a metric."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from csl.metrics import functional
from csl.metrics.rows_metric import RowsMetric
from csl.pairwise import MEMORY_BUDGET, Precision
from csl.pairwise.checks import check_temperatures


class RelativeLocalDensityPerClass(RowsMetric):
    """What each class contributes to relative local density; see the function of this name.

    Logged as `lowest_class_rld_{T}`, the least contribution, one scalar a temperature.

    Args:
        temperatures: T values.
        memory_budget: Bytes of distances that each process may keep between its passes over the pairs.
        precision: "ieee" or "tf32"; see `csl.pairwise.Streaming`.
        **kwargs: The arguments of `torchmetrics.Metric`.

    Raises:
        ValueError: If a temperature is not positive.

    Example:
        >>> metric = RelativeLocalDensityPerClass([0.1])
        >>> metric.update(torch.tensor([[0.0], [0.1], [5.0], [5.1]]), torch.tensor([3, 3, 7, 7]))
        >>> metric.compute().round(decimals=3)
        tensor([[0.2500, 0.2500]], dtype=torch.float64)
    """

    higher_is_better = True

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
        """`lowest_class_rld_{T}` for each temperature."""
        return tuple(f"lowest_class_rld_{temperature}" for temperature in self.temperatures)

    def compute(self) -> Tensor:
        """The contributions `[T, C]`, float64; a scalar, as torchmetrics makes it, for one of both."""
        return functional.relative_local_density_per_class(
            *self.rows(),
            self.temperatures,
            group=self.group,
            memory_budget=self.memory_budget,
            precision=self.precision,
        )

    def scalars(self, value: Tensor) -> dict[str, Tensor]:
        """The least contribution at each temperature."""
        table = value.reshape(len(self.temperatures), -1)
        least = table.amin(dim=1) if table.numel() else table.new_full((len(table),), torch.nan)
        return dict(zip(self.names, least, strict=True))
