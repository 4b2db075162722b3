"""Uniformity as a metric."""

from typing import Any

from csl.metrics.functional.uniformity import UNIFORMITY
from csl.metrics.rows_metric import RowsMetric


class Uniformity(RowsMetric):
    """How evenly directions cover the sphere; see `csl.metrics.functional.uniformity`.

    Labels are taken for the sake of one signature and not looked at. Logged as `uniformity`: a scalar from −4 t to 0;
    low is good.

    Args:
        t: Sharpness of the potential.
        **kwargs: The arguments of `RowsMetric` and `torchmetrics.Metric`.

    Raises:
        ValueError: If t is not positive and finite.

    Example:
        >>> import torch
        >>> metric = Uniformity()
        >>> metric.update(torch.eye(2), torch.zeros(2, dtype=torch.int64))
        >>> metric.compute().round(decimals=3)
        tensor(-4., dtype=torch.float64)
    """

    measure = UNIFORMITY

    def __init__(self, t: float = 2.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.options = self.measure.options(t=t)
