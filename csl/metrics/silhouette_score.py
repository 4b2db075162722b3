"""Silhouette score as a metric."""

from csl.metrics.functional.silhouette_score import SILHOUETTE
from csl.metrics.rows_metric import RowsMetric


class SilhouetteScore(RowsMetric):
    """Mean silhouette over all samples; see `csl.metrics.functional.silhouette_score`.

    Logged as `silhouette`: a scalar from −1 to 1; high is good.

    Example:
        >>> import torch
        >>> metric = SilhouetteScore()
        >>> metric.update(torch.tensor([[0.0], [1.0], [9.0], [10.0]]), torch.tensor([0, 0, 1, 1]))
        >>> metric.compute().round(decimals=3)
        tensor(0.8890, dtype=torch.float64)
    """

    measure = SILHOUETTE
