"""Accuracy of nearest neighbours as a metric."""

from typing import Any

from csl.metrics.functional.knn_accuracy import KNN_ACCURACY
from csl.metrics.rows_metric import RowsMetric


class KNNAccuracy(RowsMetric):
    """Share of samples whose nearest others elect their class; see `csl.metrics.functional.knn_accuracy`.

    A scalar from 0 to 1; high is good. Leave-one-out within one set, and logged as `knn_accuracy_{k}`
    (`plain_knn_accuracy_{k}` for the unweighted vote): `knn_accuracy` without a number is what `csl.probes.KNNProbe`
    reaches from the reference set on the held-out one.

    Args:
        k: Number of neighbours.
        temperature: T of the weighted vote; None for the plain one.
        **kwargs: The arguments of `RowsMetric` and `torchmetrics.Metric`.

    Raises:
        ValueError: If k is below 1 or the temperature not positive.

    Example:
        >>> import torch
        >>> metric = KNNAccuracy(k=1)
        >>> metric.update(torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]]), torch.tensor([0, 0, 1]))
        >>> metric.scalars(metric.compute())
        {'knn_accuracy_1': tensor(0.6667, dtype=torch.float64)}
    """

    measure = KNN_ACCURACY

    def __init__(self, k: int = 20, temperature: float | None = 0.07, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.options = self.measure.options(k=k, temperature=temperature)
