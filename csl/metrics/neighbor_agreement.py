"""Neighbour agreement as a metric."""

from collections.abc import Sequence
from typing import Any

from csl.metrics.functional.neighbor_agreement import KS, NEIGHBOR_AGREEMENT
from csl.metrics.rows_metric import RowsMetric


class NeighborAgreement(RowsMetric):
    """Share of nearest neighbours of the same class; see `csl.metrics.functional.neighbor_agreement`.

    Logged as `neighbor_agreement_{k}`, one scalar from 0 to 1 for each number of neighbours; high is good.

    Args:
        ks: Numbers of neighbours.
        **kwargs: The arguments of `RowsMetric` and `torchmetrics.Metric`.

    Raises:
        ValueError: If a number of neighbours is below 1.

    Example:
        >>> import torch
        >>> metric = NeighborAgreement([1])
        >>> metric.update(torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]]), torch.tensor([0, 0, 1]))
        >>> metric.scalars(metric.compute())
        {'neighbor_agreement_1': tensor(0.6667, dtype=torch.float64)}
    """

    measure = NEIGHBOR_AGREEMENT

    def __init__(self, ks: Sequence[int] = KS, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.options = self.measure.options(ks=ks)
