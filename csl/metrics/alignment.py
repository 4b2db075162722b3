"""Alignment as a metric."""

from torch import Tensor

from csl.metrics.directions import direction_moments
from csl.metrics.functional.alignment import ALIGNMENT
from csl.metrics.moments import Moments
from csl.metrics.moments_metric import MomentsMetric


class Alignment(MomentsMetric):
    """Mean squared distance of the directions of one label; see `csl.metrics.functional.alignment`.

    In a callback labels are classes; for the paper's alignment of views, update it with the image's number as label.
    Keeps the moments of each label, no features. Logged as `alignment`: a scalar from 0 to 4; low is good.

    Example:
        >>> import torch
        >>> metric = Alignment()
        >>> metric.update(torch.eye(2), torch.tensor([0, 0]))
        >>> metric.compute()
        tensor(2., dtype=torch.float64)
    """

    measure = ALIGNMENT

    def batch_moments(self, features: Tensor, labels: Tensor) -> Moments:
        """The moments of each label's directions."""
        return direction_moments(features, labels)
