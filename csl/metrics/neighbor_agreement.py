"""Neighbour agreement as a metric."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from csl.metrics import functional
from csl.metrics.functional.neighbor_agreement import check_ks
from csl.metrics.rows_metric import RowsMetric


class NeighborAgreement(RowsMetric):
    """Share of nearest neighbours of the same class; see `csl.metrics.functional.neighbor_agreement`.

    Logged as `neighbor_agreement_{k}`, one scalar from 0 to 1 for each number of neighbours; high is good.

    Args:
        ks: Numbers of neighbours.
        **kwargs: The arguments of `torchmetrics.Metric`.

    Raises:
        ValueError: If a number of neighbours is below 1.

    Example:
        >>> import torch
        >>> metric = NeighborAgreement([1])
        >>> metric.update(torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]]), torch.tensor([0, 0, 1]))
        >>> metric.scalars(metric.compute())
        {'neighbor_agreement_1': tensor(0.6667, dtype=torch.float64)}
    """

    higher_is_better = True

    def __init__(self, ks: Sequence[int] = (1, 10, 100), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ks = check_ks(ks)

    @property
    def names(self) -> tuple[str, ...]:
        """`neighbor_agreement_{k}` for each k."""
        return tuple(f"neighbor_agreement_{k}" for k in self.ks)

    def compute(self) -> Tensor:
        """The agreement at each k, float64 `[K]`, a scalar for a single one."""
        return functional.neighbor_agreement(*self.rows(), self.ks, group=self.group)
