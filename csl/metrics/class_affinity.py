"""Class affinity as a metric."""

from typing import Any

from csl.metrics.functional.class_affinity import CLASS_AFFINITY
from csl.metrics.functional.relative_local_density_per_class import TEMPERATURES
from csl.metrics.rows_metric import RowsMetric


class ClassAffinity(RowsMetric):
    """The share of similarity between each two classes; see `csl.metrics.functional.class_affinity`.

    The value is `[C, C]`, entries from 0 to 1 that sum to 1. Logged as `within_class_affinity_{T}`, the share that
    stays within classes, from 0 to 1; high is good.

    Args:
        temperature: T.
        memory_budget: Bytes of distances that each process may keep between its passes over the pairs.
        precision: "ieee" or "tf32"; see `csl.pairwise.Streaming`.
        **kwargs: The arguments of `RowsMetric` and `torchmetrics.Metric`.

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

    measure = CLASS_AFFINITY

    def __init__(self, temperature: float = TEMPERATURES[-1], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.options = self.measure.options(temperature=temperature)
