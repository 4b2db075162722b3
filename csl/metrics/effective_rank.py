"""Effective rank as a metric."""

from csl.metrics.comoments_metric import ComomentsMetric
from csl.metrics.functional.effective_rank import EFFECTIVE_RANK


class EffectiveRank(ComomentsMetric):
    """Effective rank of the covariance; see `csl.metrics.functional.effective_rank`.

    Keeps D×D sums, no features. Logged as `effective_rank`: a scalar from 1 to min(N − 1, D); high is good.

    Example:
        >>> import torch
        >>> metric = EffectiveRank()
        >>> metric.update(torch.eye(4), torch.zeros(4, dtype=torch.int64))
        >>> metric.compute().round(decimals=6)
        tensor(3., dtype=torch.float64)
    """

    measure = EFFECTIVE_RANK
