"""Standard deviation of normalised features as a metric."""

import torch
from torch import Tensor

from csl.metrics.directions import direction_moments
from csl.metrics.functional.feature_std import FEATURE_STD
from csl.metrics.moments import Moments
from csl.metrics.moments_metric import MomentsMetric


class FeatureStd(MomentsMetric):
    """Spread of the features' directions; see `csl.metrics.functional.feature_std`.

    Labels are taken for the sake of one signature and not looked at. Logged as `feature_std`: a scalar from 0
    (collapsed) to about 1; high is good.

    Example:
        >>> import torch
        >>> metric = FeatureStd()
        >>> metric.update(torch.eye(4), torch.zeros(4, dtype=torch.int64))
        >>> metric.compute().round(decimals=2)
        tensor(1., dtype=torch.float64)
    """

    measure = FEATURE_STD

    def batch_moments(self, features: Tensor, labels: Tensor) -> Moments:
        """The moments of all directions together."""
        return direction_moments(features, torch.zeros_like(labels))
