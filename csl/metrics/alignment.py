"""Alignment as a metric."""

from torch import Tensor

from csl.metrics.functional.alignment import mean_positive_distance
from csl.metrics.functional.feature_std import labeled_direction_moments
from csl.metrics.functional.moments import Moments
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

    higher_is_better = False

    def batch_moments(self, features: Tensor, labels: Tensor) -> Moments:
        """The moments of each label's directions."""
        return labeled_direction_moments(features, labels)

    def compute(self) -> Tensor:
        """The alignment, a float64 scalar.

        Raises:
            ValueError: If samples without a label or rows with NaN or infinity were given.
        """
        return mean_positive_distance(self.labeled_moments())
