"""Metrics that need no more than the D×D sums of products."""

from functools import reduce
from typing import Any

import torch
from torch import Tensor

from csl.metrics.comoments import Comoments, Spectrum, comoments, merge, reduce_comoments
from csl.metrics.declared_metric import DeclaredMetric
from csl.pairwise import check_finite


class ComomentsMetric(DeclaredMetric):
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
        spectrum = Spectrum(reduce_comoments(reduce(merge, self._parts(), empty), self.group))
        return self.measure.score(spectrum, **self.options)

    def _parts(self) -> list[Comoments]:
        """What is held: one part after an update, and two where `forward` has put a batch beside what was there."""
        return [Comoments(*states) for states in zip(self.number, self.mean, self.scatter, strict=True)]
