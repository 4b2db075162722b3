"""Distances from a few rows to all of them: enough to know the mean distance nearly."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from csl.distributed import Group, Shard, all_reduce
from csl.pairwise.blocks import blocks
from csl.pairwise.centering import Centered
from csl.pairwise.distances import Distances, distances

SIDE = 1024  # rows and columns of a tile


class SomeRows:
    """Distances from a few rows, known to every process, to all rows, of which each process holds its share.

    Args:
        own: This process's rows.
        group: The processes that hold the other rows.
        watch: Called with the number of distances of each tile that is done.
        side: How many rows and columns a tile has at most.
    """

    def __init__(
        self, own: Centered, group: Group = None, watch: Callable[[int], None] | None = None, side: int = SIDE
    ) -> None:
        shard = Shard.of(len(own.values), group)
        self.own, self.group = own, group
        self.num_rows, self.start = shard.total, shard.own.start
        self._watch, self._side = watch, side

    def distances(self, rows: Tensor, shares: Tensor) -> Distances:
        """The mean distance of all pairs, estimated from these rows, and the nearest neighbours of the rows themselves.

        The mean over the drawn rows is corrected by what all rows' distances to their common mean, which are known,
        let one expect: that leaves a tenth of the error.

        Args:
            rows: Global row numbers `[S]`.
            shares: How many rows each of them stands for `[S]`.
        """
        squares = self.own.squares
        spread = all_reduce(squares.sum(), self.group) / self.num_rows
        expected = (squares + spread).sqrt()
        sums = torch.zeros(len(rows), dtype=torch.float64, device=squares.device)
        nearest = torch.full((len(rows),), torch.inf, device=squares.device)
        for part, _, block in self.tiles(rows):
            nearest[part] = torch.minimum(nearest[part], block.amin(dim=1))
            sums[part] += block.masked_fill_(block.isinf(), 0).sum(dim=1).double()
        surprise = all_reduce(sums, self.group) / (self.num_rows - 1) - self.fetch(rows, expected)
        mean = all_reduce(expected.sum(), self.group) / self.num_rows
        mean += (shares * surprise).sum() / shares.sum()
        return Distances(mean, all_reduce(nearest, self.group, "min"))

    def tiles(self, rows: Tensor) -> Iterator[tuple[slice, slice, Tensor]]:
        """Slices of these rows and of this process's columns, and the distances between them."""
        values, squares = self.fetch(rows, self.own.values), self.fetch(rows, self.own.squares)
        for i in blocks(len(rows), self._side):
            for j in blocks(len(self.own.values), self._side):
                place = rows[i] - self.start - j.start
                same = ((place >= 0) & (place < j.stop - j.start)).nonzero()[:, 0]
                columns, norms = self.own.values[j], self.own.squares[j]
                block = distances(
                    *(values[i], columns, squares[i], norms),
                    same=(same, place[same]),
                    precision=self.own.precision,
                )
                yield i, j, block
                if self._watch is not None:
                    self._watch(block.numel())

    def fetch(self, rows: Tensor, table: Tensor) -> Tensor:
        """Rows of a sharded table, by global number, on every process."""
        own = (rows >= self.start) & (rows < self.start + len(table))
        fetched = table.new_zeros(len(rows), *table.shape[1:])
        fetched[own] = table[rows[own] - self.start]
        return all_reduce(fetched, self.group)
