"""Calinski–Harabasz score as a metric."""

from torch import Tensor

from csl.metrics.functional.calinski_harabasz_score import CALINSKI_HARABASZ
from csl.metrics.moments import Moments, class_moments
from csl.metrics.moments_metric import MomentsMetric


class CalinskiHarabaszScore(MomentsMetric):
    """Calinski–Harabasz score; see `csl.metrics.functional.calinski_harabasz_score`.

    Keeps the moments of each class, no features. Logged as `calinski_harabasz`: a scalar of 0 or more, about 1 by
    chance; high is good.

    Example:
        >>> import torch
        >>> metric = CalinskiHarabaszScore()
        >>> metric.update(torch.tensor([[0.0], [1.0], [4.0], [5.0]]), torch.tensor([0, 0, 1, 1]))
        >>> metric.compute()
        tensor(32., dtype=torch.float64)
    """

    measure = CALINSKI_HARABASZ

    def batch_moments(self, features: Tensor, labels: Tensor) -> Moments:
        """The moments of each class."""
        return class_moments(features, labels)
