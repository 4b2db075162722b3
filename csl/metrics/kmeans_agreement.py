"""Agreement of k-means with the classes as a metric."""

from typing import Any

from torch import Tensor

from csl.metrics import functional
from csl.metrics.functional.kmeans_agreement import check_num_clusters
from csl.metrics.rows_metric import RowsMetric


class KMeansAgreement(RowsMetric):
    """NMI, ARI and V-measure of clusters found without labels; see `csl.metrics.functional.kmeans_agreement`.

    The value is `[3]`, logged as `kmeans_nmi` and `kmeans_v_measure`, from 0 to 1, and `kmeans_ari`, from −0.5 to 1 and
    0 by chance; high is good.

    Args:
        num_clusters: How many clusters; None for as many as there are classes.
        seed: Of the starting centres.
        **kwargs: The arguments of `torchmetrics.Metric`.

    Raises:
        ValueError: If num_clusters is below 2.

    Example:
        >>> import torch
        >>> metric = KMeansAgreement()
        >>> metric.update(torch.tensor([[0.0], [0.1], [5.0], [5.1]]), torch.tensor([7, 7, 3, 3]))
        >>> metric.compute()
        tensor([1., 1., 1.], dtype=torch.float64)
    """

    higher_is_better = True

    def __init__(self, num_clusters: int | None = None, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_num_clusters(num_clusters)
        self.num_clusters, self.seed = num_clusters, seed

    @property
    def names(self) -> tuple[str, ...]:
        """`kmeans_nmi`, `kmeans_ari` and `kmeans_v_measure`."""
        return "kmeans_nmi", "kmeans_ari", "kmeans_v_measure"

    def compute(self) -> Tensor:
        """NMI, ARI and V-measure, float64 `[3]`."""
        return functional.kmeans_agreement(*self.rows(), self.num_clusters, self.seed, group=self.group)
