"""Class affinity as a metric."""

from typing import Any

from torch import Tensor

from csl.metrics import functional
from csl.metrics.functional.class_affinity import share_within
from csl.metrics.rows_metric import RowsMetric
from csl.pairwise import MEMORY_BUDGET, Precision
from csl.pairwise.checks import check_temperatures


class ClassAffinity(RowsMetric):
    """The share of similarity between each two classes; see `csl.metrics.functional.class_affinity`.

    The value is `[C, C]`, entries from 0 to 1 that sum to 1. Logged as `within_class_affinity_{T}`, the share that
    stays within classes, from 0 to 1; high is good.

    Args:
        temperature: T.
        memory_budget: Bytes of distances that each process may keep between its passes over the pairs.
        precision: "ieee" or "tf32"; see `csl.pairwise.Streaming`.
        **kwargs: The arguments of `torchmetrics.Metric`.

    Raises:
        ValueError: If the temperature is not positive.

    Example:
        >>> import torch
        >>> metric = ClassAffinity(0.1)
        >>> metric.update(torch.tensor([[0.0], [0.1], [5.0], [5.1]]), torch.tensor([0, 0, 1, 1]))
        >>> metric.compute().round(decimals=3)
        tensor([[0.5000, 0.0000],
                [0.0000, 0.5000]], dtype=torch.float64)
    """

    def __init__(
        self,
        temperature: float = 0.1,
        memory_budget: int = MEMORY_BUDGET,
        precision: Precision = "ieee",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        (self.temperature,) = check_temperatures([temperature])
        self.memory_budget, self.precision = memory_budget, precision

    @property
    def names(self) -> tuple[str, ...]:
        """`within_class_affinity_{T}`."""
        return (f"within_class_affinity_{self.temperature}",)

    def compute(self) -> Tensor:
        """The affinities `[C, C]`, float64, summing to 1; a scalar, as torchmetrics makes it, for one class."""
        return functional.class_affinity(
            *self.rows(),
            self.temperature,
            group=self.group,
            memory_budget=self.memory_budget,
            precision=self.precision,
        )

    def scalars(self, value: Tensor) -> dict[str, Tensor]:
        """The share of similarity that stays within classes."""
        return {self.names[0]: share_within(value.reshape(1, 1) if value.ndim == 0 else value)}
