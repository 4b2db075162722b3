"""Metrics that need no more than the D×D sums of products."""

from abc import abstractmethod
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from csl.metrics.feature_metric import FeatureMetric
from csl.metrics.functional.comoments import Comoments, comoments, merge, reduce_comoments
from csl.pairwise.checks import check_finite


class ComomentsMetric(FeatureMetric):
    """Keeps count, mean and D×D scatter of all samples, whatever their number.

    Labels are taken for the sake of one signature and not looked at.
    """

    number: list[Tensor]
    mean: list[Tensor]
    scatter: list[Tensor]
    bad_rows: list[Tensor]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for name in (*Comoments._fields, "bad_rows"):
            self.add_state(name, default=[], dist_reduce_fx=None)

    @abstractmethod
    def score(self, moments: Comoments) -> Tensor:
        """The value of samples with these moments."""

    def update(self, features: Tensor, labels: Tensor) -> None:
        """Take in rows `[B, D]`.

        Raises:
            ValueError: If features are no matrix of floats, or there is not one integer label a row; `compute` finds,
                on all processes, what else is wrong.
        """
        self._check_form(features, labels)
        for name, state in reduce(merge, [*self._parts(), comoments(features.detach())])._asdict().items():
            setattr(self, name, [state])
        self.bad_rows.append(~torch.isfinite(features).all(dim=1))

    def compute(self) -> Tensor:
        """The value, a float64 scalar.

        Raises:
            ValueError: If rows with NaN or infinity were given.
        """
        check_finite(self._column(self.bad_rows, torch.bool), self.group)
        empty = comoments(self._rows(self.scatter, dtype=torch.float64)[:0])
        return self.score(reduce_comoments(reduce(merge, self._parts(), empty), self.group))

    def _parts(self) -> list[Comoments]:
        """What is held: one part after an update, and two where `forward` has put a batch beside what was there."""
        return [Comoments(*states) for states in zip(self.number, self.mean, self.scatter, strict=True)]
