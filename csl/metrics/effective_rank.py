"""Effective rank as a metric."""

from torch import Tensor

from csl.metrics.comoments_metric import ComomentsMetric
from csl.metrics.functional.comoments import Comoments
from csl.metrics.functional.effective_rank import rank_of_covariance


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

    higher_is_better = True

    def score(self, moments: Comoments) -> Tensor:
        """Effective rank of samples with these moments."""
        return rank_of_covariance(moments)
