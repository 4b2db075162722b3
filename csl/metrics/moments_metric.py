"""Metrics that need no more than each class's moments."""

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor

from csl.metrics.checks import UNLABELED, unlabeled_fault
from csl.metrics.declared_metric import DeclaredMetric
from csl.metrics.moments import Moments, join, pool, reduce_moments
from csl.pairwise import check_finite


class MomentsMetric(DeclaredMetric):
    """Keeps count, mean and scatter of each class, whatever the number of samples."""

    classes: list[Tensor]
    counts: list[Tensor]
    means: list[Tensor]
    scatter: list[Tensor]
    bad_rows: list[Tensor]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for name in (*Moments._fields, "bad_rows"):
            self.add_state(name, default=[], dist_reduce_fx=None)

    @abstractmethod
    def batch_moments(self, features: Tensor, labels: Tensor) -> Moments:
        """The moments of a batch of finite rows `[B, D]` with these labels `[B]`."""

    def update(self, features: Tensor, labels: Tensor) -> None:
        """Take in rows `[B, D]` and their classes `[B]`.

        Raises:
            ValueError: If features are no matrix of floats, or there is not one integer label a row; `compute` finds,
                on all processes, what else is wrong.
        """
        self._check_form(features, labels)
        batch = self.batch_moments(features.detach(), labels.detach())
        held = Moments(*(torch.cat(getattr(self, name)) for name in Moments._fields)) if self.counts else None
        for name, column in pool(join(held, batch) if held else batch)._asdict().items():
            setattr(self, name, [column])
        self.bad_rows.append(~torch.isfinite(features).all(dim=1))

    def compute(self) -> Tensor:
        """The value, a float64 scalar.

        Raises:
            ValueError: If rows with NaN or infinity were given, or samples without a label to a measure of labels.
        """
        check_finite(self._column(self.bad_rows, torch.bool), self.group)
        classes = self._column(self.classes, torch.int64)
        counts = self._column(self.counts, torch.float64)
        means, scatter = self._rows(self.means, dtype=torch.float64), self._rows(self.scatter, dtype=torch.float64)
        moments = reduce_moments(Moments(classes, counts, means, scatter), self.group)
        missing = moments.counts[moments.classes == UNLABELED].sum() if self.measure.labeled else 0
        if fault := unlabeled_fault(int(missing), int(moments.counts.sum())):
            raise ValueError(fault)
        return self.measure.score(moments)
