"""Participation ratio as a metric."""

from csl.metrics.comoments_metric import ComomentsMetric
from csl.metrics.functional.participation_ratio import PARTICIPATION_RATIO


class ParticipationRatio(ComomentsMetric):
    """Number of directions that share the variance; see `csl.metrics.functional.participation_ratio`.

    Keeps D×D sums, no features. Logged as `participation_ratio`: a scalar from 1 to min(N − 1, D); high is good.

    Example:
        >>> import torch
        >>> metric = ParticipationRatio()
        >>> metric.update(torch.eye(4), torch.zeros(4, dtype=torch.int64))
        >>> metric.compute().round(decimals=6)
        tensor(3., dtype=torch.float64)
    """

    measure = PARTICIPATION_RATIO
