"""Metrics that need the rows themselves."""

from typing import Any

import torch
from torch import Tensor

from csl.metrics.feature_metric import FeatureMetric
from csl.metrics.functional.helpers import form_fault


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
            ValueError: If there is not one integer label a row; `compute` finds, on all processes, what else is wrong.
        """
        if fault := form_fault(features, labels):
            raise ValueError(fault)
        self.values.append(features.detach())
        self.labels.append(labels.detach())

    def rows(self) -> tuple[Tensor, Tensor]:
        """All features `[n, D]` and labels `[n]` of this process."""
        return self._rows(self.values), self._column(self.labels, torch.int64)
