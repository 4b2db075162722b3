"""RankMe as a metric."""

from csl.metrics.comoments_metric import ComomentsMetric
from csl.metrics.functional.rankme import RANKME


class RankMe(ComomentsMetric):
    """Number of directions the features use, by their singular values; see `csl.metrics.functional.rankme`.

    Keeps D×D sums, no features. Logged as `rankme`: a scalar from 1 to min(N, D); high is good.

    Example:
        >>> import torch
        >>> metric = RankMe()
        >>> metric.update(torch.eye(4), torch.zeros(4, dtype=torch.int64))
        >>> metric.compute().round(decimals=6)
        tensor(4., dtype=torch.float64)
    """

    measure = RANKME
