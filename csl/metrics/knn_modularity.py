"""Modularity of the graph of nearest neighbours as a metric."""

from typing import Any

from csl.metrics.functional.knn_modularity import KNN_MODULARITY
from csl.metrics.rows_metric import RowsMetric


class KNNModularity(RowsMetric):
    """Modularity of the labelling on the kNN graph; see `csl.metrics.functional.knn_modularity`.

    Logged as `knn_modularity_{k}`: a scalar from −1/2 to 1 − 1/C, 0 by chance; high is good.

    Args:
        k: Number of neighbours.
        **kwargs: The arguments of `RowsMetric` and `torchmetrics.Metric`.

    Raises:
        ValueError: If k is below 1.

    Example:
        >>> import torch
        >>> metric = KNNModularity(k=1)
        >>> metric.update(torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]]), torch.tensor([0, 0, 1, 1]))
        >>> metric.scalars(metric.compute())
        {'knn_modularity_1': tensor(0.5000, dtype=torch.float64)}
    """

    measure = KNN_MODULARITY

    def __init__(self, k: int = 10, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.options = self.measure.options(k=k)
