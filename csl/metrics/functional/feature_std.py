"""Standard deviation of normalised features: has the encoder collapsed?"""

import math

from torch import Tensor

from csl.distributed import Group
from csl.metrics.measure import Family, Measure, rows
from csl.metrics.moments import Moments
from csl.metrics.samples import Samples
from csl.metrics.undefined import undefined


def feature_std(features: Tensor, *, group: Group = None) -> Tensor:
    """Mean over dimensions of the standard deviation of L2-normalised features, times √D.

    About 1 where features spread over the sphere, 0 where all point the same way (a collapsed encoder). See Chen, He,
    "Exploring Simple Siamese Representation Learning" (2021, arXiv 2011.10566).

    Args:
        features: This process's rows `[n, D]`, any floating dtype.
        group: The processes that hold the other rows; None for one process.

    Returns:
        float64 scalar between 0 and √(N / (N − 1)); NaN, with a warning, for fewer than two samples.

    Raises:
        ValueError: If features are no finite matrix.

    Example:
        >>> import torch
        >>> feature_std(torch.eye(4)).round(decimals=2)
        tensor(1., dtype=torch.float64)
        >>> feature_std(torch.ones(4, 8))
        tensor(0., dtype=torch.float64)
    """
    return FEATURE_STD.of(Samples(features, group=group))


def _spread(moments: Moments) -> Tensor:
    """The mean standard deviation of directions with these moments, times √D."""
    count = moments.counts.sum()
    if count < 2:
        reason = f"it needs at least two samples, got {int(count)}"
        return undefined("feature standard deviation", reason, moments.means)
    variance = moments.overall.scatter[0] / (count - 1)
    return variance.sqrt().mean() * math.sqrt(len(variance))


FEATURE_STD = Measure(
    name="feature_std",
    function=feature_std,
    score=_spread,
    source=lambda samples: samples.overall_direction_moments,
    family=Family.UNSUPERVISED,
    meaning="1: spread over the sphere; 0: collapsed",
    paper="Chen and He, 2021, arXiv 2011.10566",
    cost=rows,
    by_blocks=True,
    range=(0, math.sqrt(2)),
    higher_is_better=True,
    every_pass=True,
)
