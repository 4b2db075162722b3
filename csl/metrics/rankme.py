"""RankMe as a metric."""

from torch import Tensor

from csl.metrics.comoments_metric import ComomentsMetric
from csl.metrics.functional.comoments import Comoments
from csl.metrics.functional.rankme import rank_of_features


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

    higher_is_better = True

    @property
    def names(self) -> tuple[str, ...]:
        """`rankme`."""
        return ("rankme",)

    def score(self, moments: Comoments) -> Tensor:
        """RankMe of samples with these moments."""
        return rank_of_features(moments)
