"""Rows that arrive in batches, written where they will stay."""

import torch
from torch import Tensor

from csl.types import Features


class Rows:
    """The rows of one set in one piece of memory, which is taken at the first batch; no batch is kept.

    Args:
        num_batches: How many batches of the first one's size the set has at most.

    Example:
        >>> rows = Rows(num_batches=2)
        >>> rows.add(Features(torch.ones(3, 2), torch.zeros(3).long(), torch.arange(3)))
        >>> rows.add(Features(torch.ones(1, 2), torch.zeros(1).long(), torch.arange(1)))
        >>> rows.all().values.shape
        torch.Size([4, 2])
    """

    def __init__(self, num_batches: int) -> None:
        self._num_batches = num_batches
        self._columns: tuple[Tensor, ...] = ()
        self._count = 0

    def add(self, batch: Features) -> None:
        """Append a batch."""
        stop = self._count + len(batch.index)
        with torch.inference_mode(False), torch.no_grad():
            if not self._columns:
                size = self._num_batches * len(batch.index)
                self._columns = tuple(column.new_empty(size, *column.shape[1:]) for column in batch)
            if stop > len(self._columns[0]):  # a loader whose batches grow
                self._columns = tuple(torch.cat([c, c.new_empty(stop, *c.shape[1:])]) for c in self._columns)
            for column, part in zip(self._columns, batch, strict=True):
                column[self._count : stop] = part
        self._count = stop

    def all(self) -> Features:
        """What has arrived so far, in that order."""
        return Features(*(column[: self._count] for column in self._columns))
