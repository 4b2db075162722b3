"""Metrics that need no more than each class's moments."""

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor

from csl.metrics.feature_metric import FeatureMetric
from csl.metrics.functional.helpers import UNLABELED, unlabeled_fault
from csl.metrics.functional.moments import Moments, join, pool, reduce_moments
from csl.pairwise.checks import check_finite


class MomentsMetric(FeatureMetric):
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

    def moments(self) -> Moments:
        """The moments of all samples of the group.

        Raises:
            ValueError: If rows with NaN or infinity were given.
        """
        check_finite(self._column(self.bad_rows, torch.bool), self.group)
        classes = self._column(self.classes, torch.int64)
        counts = self._column(self.counts, torch.float64)
        means, scatter = self._rows(self.means, dtype=torch.float64), self._rows(self.scatter, dtype=torch.float64)
        return reduce_moments(Moments(classes, counts, means, scatter), self.group)

    def labeled_moments(self) -> Moments:
        """The moments of all samples of the group, each of which has a label.

        Raises:
            ValueError: If samples without a label or rows with NaN or infinity were given.
        """
        moments = self.moments()
        missing = moments.counts[moments.classes == UNLABELED].sum()
        if fault := unlabeled_fault(int(missing), int(moments.counts.sum())):
            raise ValueError(fault)
        return moments
