"""Davies–Bouldin score as a metric."""

from csl.metrics.functional.davies_bouldin_score import DAVIES_BOULDIN
from csl.metrics.rows_metric import RowsMetric


class DaviesBouldinScore(RowsMetric):
    """Overlap of each class with the one most like it; see `csl.metrics.functional.davies_bouldin_score`.

    Logged as `davies_bouldin`: a scalar of 0 or more; low is good.

    Example:
        >>> import torch
        >>> metric = DaviesBouldinScore()
        >>> metric.update(torch.tensor([[0.0], [1.0], [9.0], [10.0]]), torch.tensor([0, 0, 1, 1]))
        >>> metric.compute().round(decimals=3)
        tensor(0.1110, dtype=torch.float64)
    """

    measure = DAVIES_BOULDIN
