"""Metrics that need the rows themselves."""

from typing import Any

import torch
from torch import Tensor

from csl.metrics.feature_metric import FeatureMetric


class RowsMetric(FeatureMetric):
    """Keeps the features and labels it is given, each process its own; a subclass computes from `rows()`."""

    values: list[Tensor]
    labels: list[Tensor]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("values", default=[], dist_reduce_fx=None)
        self.add_state("labels", default=[], dist_reduce_fx=None)

    def update(self, features: Tensor, labels: Tensor) -> None:
        """Take in rows `[B, D]` and their classes `[B]`.

        Raises:
            ValueError: If features are no matrix of floats, or there is not one integer label a row; `compute` finds,
                on all processes, what else is wrong.
        """
        self._check_form(features, labels)
        self.values.append(features.detach())
        # A process without rows has none whose type it could take, and labels of two types do not meet in a gather.
        self.labels.append(labels.detach().long())

    def rows(self) -> tuple[Tensor, Tensor]:
        """All features `[n, D]` and labels `[n]` of this process."""
        return self._rows(self.values), self._column(self.labels, torch.int64)
