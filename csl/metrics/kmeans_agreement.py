"""Agreement of k-means with the classes as a metric."""

from typing import Any

from csl.metrics.functional.kmeans_agreement import KMEANS
from csl.metrics.rows_metric import RowsMetric


class KMeansAgreement(RowsMetric):
    """NMI, ARI and V-measure of clusters found without labels; see `csl.metrics.functional.kmeans_agreement`.

    The value is `[3]`, logged as `kmeans_nmi` and `kmeans_v_measure`, from 0 to 1, and `kmeans_ari`, from −0.5 to 1 and
    0 by chance; high is good.

    Args:
        num_clusters: How many clusters; None for as many as there are classes.
        seed: Of the starting centres.
        **kwargs: The arguments of `RowsMetric` and `torchmetrics.Metric`.

    Raises:
        ValueError: If num_clusters is below 2.

    Example:
        >>> import torch
        >>> metric = KMeansAgreement()
        >>> metric.update(torch.tensor([[0.0], [0.1], [5.0], [5.1]]), torch.tensor([7, 7, 3, 3]))
        >>> metric.compute()
        tensor([1., 1., 1.], dtype=torch.float64)
    """

    measure = KMEANS

    def __init__(self, num_clusters: int | None = None, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.options = self.measure.options(num_clusters=num_clusters, seed=seed)
