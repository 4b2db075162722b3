"""Tiles of the N×N pairs: the only place that knows who computes what."""

from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor

from csl.distributed import Shard, rank, ring, size
from csl.pairwise.blocks import blocks
from csl.pairwise.centering import Centered
from csl.pairwise.distances import distances


class Tile(NamedTuple):
    """Distances between a block of samples and another.

    Attributes:
        rows: Global row numbers of the first block.
        columns: Global row numbers of the second.
        distances: `[rows, columns]`, float32, in units of `Centered.unit`; infinite from a sample to itself.
        mirrored: Whether the transposed pairs are covered by this tile too (and by no other). A block against itself
            already holds both orders.
    """

    rows: slice
    columns: slice
    distances: Tensor
    mirrored: bool


class Cut(NamedTuple):
    """Two blocks of samples, whose distances are yet to be computed.

    Attributes:
        rows: Global row numbers of the first block.
        columns: Global row numbers of the second.
        x: The first block.
        y: The second.
        mirrored: As in `Tile`.
    """

    rows: slice
    columns: slice
    x: Centered
    y: Centered
    mirrored: bool

    @property
    def shape(self) -> tuple[int, int]:
        """How many rows and columns."""
        return len(self.x.values), len(self.y.values)

    def tile(self, out: Tensor | None = None) -> Tile:
        """The distances, in `out` if that is given."""
        (x, xx), (y, yy) = self.x[:2], self.y[:2]
        same = self.rows == self.columns
        block = distances(x, y, xx, yy, same=same, precision=self.x.precision, out=out)
        return Tile(self.rows, self.columns, block, self.mirrored)


def symmetric_cuts(own: Centered, side: int, shard: Shard | None = None) -> Iterator[Cut]:
    """Cuts that cover each unordered pair exactly once across the group.

    Each process takes the upper triangle of its own rows, then its own rows against the shards that come round the
    ring, half of the way: the other half is met from the other side. With an even number of processes the opposite
    shard is met by both, and each takes half of the rows of the lower one.

    Args:
        own: This process's rows.
        side: How many rows and columns a tile has at most.
        shard: Which rows these are; None for all of one process.
    """
    shard = shard or Shard.of(len(own.values))
    me, count = rank(shard.group), size(shard.group)
    shards = ring((own.values, own.squares), shard.group, steps=count // 2 + 1, counts=shard.counts)
    for step, (owner, (values, squares)) in enumerate(shards):
        theirs = own._replace(values=values, squares=squares)
        mine, other = slice(0, len(own.values)), slice(0, len(values))
        if owner == me:
            # A GPU is done with a whole block sooner than with its many small parts.
            cuts = _triangle(mine, side, least=side if own.values.is_cuda else side // 4)
        elif 2 * step == count:
            cuts = _rectangle(*_halves(mine, other, me < owner), side)
        else:
            cuts = _rectangle(mine, other, side)
        for i, j in cuts:
            rows, columns = _shift(i, shard.own.start), _shift(j, shard.start_of(owner))
            yield Cut(rows, columns, own.part(i), theirs.part(j), mirrored=rows != columns)


def row_cuts(own: Centered, side: int, shard: Shard | None = None, *, rows: slice = slice(None)) -> Iterator[Cut]:
    """Cuts of this process's rows, or of some of them, against all columns of the group; nothing is mirrored.

    Args:
        own: This process's rows.
        side: How many rows and columns a tile has at most.
        shard: Which rows these are; None for all of one process. All processes must ask together, if only for no rows.
        rows: Which of the own rows; it begins at a multiple of `side`, and ends at one or at the last row.
    """
    shard = shard or Shard.of(len(own.values))
    first, last = rows.indices(len(own.values))[:2]
    for owner, (values, squares) in ring((own.values, own.squares), shard.group, counts=shard.counts):
        theirs = own._replace(values=values, squares=squares)
        for i, j in _rectangle(slice(first, max(first, last)), slice(0, len(values)), side):
            columns = _shift(j, shard.start_of(owner))
            yield Cut(_shift(i, shard.own.start), columns, own.part(i), theirs.part(j), mirrored=False)


def _triangle(rows: slice, side: int, least: int) -> Iterator[tuple[slice, slice]]:
    cuts = list(blocks(rows.stop - rows.start, side, rows.start))
    for first, i in enumerate(cuts, start=1):
        yield from _halved(i, least)
        for j in cuts[first:]:
            yield i, j


def _halved(rows: slice, least: int) -> Iterator[tuple[slice, slice]]:
    """Rows against themselves, halved again and again: what is left over for both orders of its pairs is small."""
    count = rows.stop - rows.start
    if count <= max(least, 1):
        yield rows, rows
        return
    middle = rows.start + count // 2
    yield from _halved(slice(rows.start, middle), least)
    yield slice(rows.start, middle), slice(middle, rows.stop)
    yield from _halved(slice(middle, rows.stop), least)


def _rectangle(rows: slice, columns: slice, side: int) -> Iterator[tuple[slice, slice]]:
    for i in blocks(rows.stop - rows.start, side, rows.start):
        for j in blocks(columns.stop - columns.start, side, columns.start):
            yield i, j


def _halves(mine: slice, other: slice, lower: bool) -> tuple[slice, slice]:
    """Both sides meet: the lower rank takes the first half of its rows, the upper one meets the second half."""
    if lower:
        return slice(0, mine.stop // 2), other
    return mine, slice(other.stop // 2, other.stop)


def _shift(part: slice, start: int) -> slice:
    return slice(part.start + start, part.stop + start)
