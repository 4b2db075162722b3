"""LiDAR as a metric."""

from typing import Any

from csl.metrics.functional.lidar import LIDAR
from csl.metrics.rows_metric import RowsMetric


class LiDAR(RowsMetric):
    """Rank of what tells images apart, against what their views differ in; see `csl.metrics.functional.lidar`.

    It takes views: update it with the image's number as label. In a callback labels are classes, and it is the same
    rank of the classes. Logged as `lidar`: a scalar from 1 to min(images − 1, D); high is good.

    Args:
        delta: Added to the diagonal of the covariance of the views.
        **kwargs: The arguments of `RowsMetric` and `torchmetrics.Metric`.

    Raises:
        ValueError: If delta is not positive.

    Example:
        >>> import torch
        >>> metric = LiDAR()
        >>> metric.update(torch.tensor([[1.0], [1.1], [-1.0], [-1.1]]), torch.tensor([0, 0, 1, 1]))
        >>> metric.compute().round(decimals=3)
        tensor(1., dtype=torch.float64)
    """

    measure = LIDAR

    def __init__(self, delta: float = 1e-4, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.options = self.measure.options(delta=delta)
