"""Metrics that need the rows themselves."""

from typing import Any

import torch
from torch import Tensor

from csl.metrics.declared_metric import DeclaredMetric
from csl.metrics.samples import Samples
from csl.pairwise import MEMORY_BUDGET, Precision


class RowsMetric(DeclaredMetric):
    """Keeps the features and labels it is given, each process its own.

    Args:
        memory_budget: Bytes of distances that each process may keep between its passes over the pairs.
        precision: "ieee" or "tf32"; see `csl.pairwise.Streaming`.
        **kwargs: The arguments of `torchmetrics.Metric`.
    """

    values: list[Tensor]
    labels: list[Tensor]

    def __init__(self, memory_budget: int = MEMORY_BUDGET, precision: Precision = "ieee", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.memory_budget, self.precision = memory_budget, precision
        self.add_state("values", default=[], dist_reduce_fx=None)
        self.add_state("labels", default=[], dist_reduce_fx=None)

    def update(self, features: Tensor, labels: Tensor) -> None:
        """Take in rows `[B, D]` and their labels `[B]`.

        Raises:
            ValueError: If features are no matrix of floats, or there is not one integer label a row; `compute` finds,
                on all processes, what else is wrong.
        """
        self._check_form(features, labels)
        self.values.append(features.detach())
        # A process without rows has none whose type it could take, and labels of two types do not meet in a gather.
        self.labels.append(labels.detach().long())

    def compute(self) -> Tensor:
        """What the function beside this class gives for all rows, float64."""
        rows = self._rows(self.values), self._column(self.labels, torch.int64)
        return self.of(Samples(*rows, group=self.group, memory_budget=self.memory_budget, precision=self.precision))

    def of(self, samples: Samples) -> Tensor:
        """The value of a set that others measure too, without an update; float64."""
        return super().of(samples.streamed(self.memory_budget, self.precision))
