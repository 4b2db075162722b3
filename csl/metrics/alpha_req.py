"""Alpha-ReQ as a metric."""

from typing import Any

from csl.metrics.comoments_metric import ComomentsMetric
from csl.metrics.functional.alpha_req import ALPHA_REQ


class AlphaReQ(ComomentsMetric):
    """Exponent of the power law that the spectrum follows; see `csl.metrics.functional.alpha_req`.

    Keeps D×D sums, no features. Logged as `alpha_req`: a scalar of 0 or more; about 1 is best.

    Args:
        first: The first eigenvalue of the fit, counted from 1.
        last: The last one.
        **kwargs: The arguments of `torchmetrics.Metric`.

    Raises:
        ValueError: If the range is none.

    Example:
        >>> import torch
        >>> metric = AlphaReQ(first=1)
        >>> x = torch.randn(500, 8, generator=torch.Generator().manual_seed(0))
        >>> metric.update(x, torch.zeros(500, dtype=torch.int64))
        >>> bool(metric.compute() < 0.3)  # white noise
        True
    """

    measure = ALPHA_REQ

    def __init__(self, first: int = 11, last: int = 100, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.options = self.measure.options(first=first, last=last)
