"""Distances within and between classes as a metric."""

from csl.metrics.functional.class_distances import CLASS_DISTANCES
from csl.metrics.rows_metric import RowsMetric


class ClassDistances(RowsMetric):
    """Mean distances within and between classes; see `csl.metrics.functional.class_distances`.

    The value is `[2]`, each 0 or more and 1 by chance. Logged as `within_class_distance`, of which low is good, and
    `between_class_distance`, of which high is.

    Example:
        >>> import torch
        >>> metric = ClassDistances()
        >>> metric.update(torch.tensor([[0.0], [1.0], [9.0], [10.0]]), torch.tensor([0, 0, 1, 1]))
        >>> metric.compute().round(decimals=3)
        tensor([0.1580, 1.4210], dtype=torch.float64)
    """

    measure = CLASS_DISTANCES
