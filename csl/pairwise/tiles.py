"""Tiles of the N×N pairs: the only place that knows who computes what."""

from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor

from csl.distributed import Group, rank, ring, row_counts, size
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


def symmetric_tiles(own: Centered, side: int, group: Group = None, *, reuse: bool = False) -> Iterator[Tile]:
    """Tiles that cover each unordered pair exactly once across the group.

    Each process takes the upper triangle of its own rows, then its own rows against the shards that come round the
    ring, half of the way: the other half is met from the other side. With an even number of processes the opposite
    shard is met by both, and each takes half of the rows of the lower one.

    Args:
        own: This process's rows.
        side: How many rows and columns a tile has at most.
        group: The processes that hold the other rows.
        reuse: Whether each tile's distances may be written over those of the one before.
    """
    starts, buffer = _starts(own, group), _buffer(own, side, reuse)
    me, count = rank(group), size(group)
    shards = ring((own.values, own.squares), group, steps=count // 2 + 1)
    for step, (owner, (values, squares)) in enumerate(shards):
        theirs = own._replace(values=values, squares=squares)
        mine, other = slice(0, len(own.values)), slice(0, len(values))
        if owner == me:
            cuts = _triangle(mine, side)
        elif 2 * step == count:
            cuts = _rectangle(*_halves(mine, other, me < owner), side)
        else:
            cuts = _rectangle(mine, other, side)
        for i, j in cuts:
            same = owner == me and i == j
            block = _distances(own, i, theirs, j, same, buffer)
            yield Tile(_shift(i, starts[me]), _shift(j, starts[owner]), block, mirrored=not same)


def row_tiles(
    own: Centered, side: int, group: Group = None, *, rows: slice = slice(None), reuse: bool = False
) -> Iterator[Tile]:
    """Tiles of this process's rows, or of some of them, against all columns of the group; nothing is mirrored.

    Args:
        own: This process's rows.
        side: How many rows and columns a tile has at most.
        group: The processes that hold the other rows, which must all ask together, if only for no rows.
        rows: Which of the own rows; it begins at a multiple of `side`, and ends at one or at the last row.
        reuse: Whether each tile's distances may be written over those of the one before.
    """
    starts, buffer = _starts(own, group), _buffer(own, side, reuse)
    me, first, last = rank(group), *rows.indices(len(own.values))[:2]
    for owner, (values, squares) in ring((own.values, own.squares), group):
        theirs = own._replace(values=values, squares=squares)
        for i, j in _rectangle(slice(first, max(first, last)), slice(0, len(values)), side):
            block = _distances(own, i, theirs, j, owner == me and i == j, buffer)
            yield Tile(_shift(i, starts[me]), _shift(j, starts[owner]), block, mirrored=False)


def _triangle(rows: slice, side: int) -> Iterator[tuple[slice, slice]]:
    cuts = list(blocks(rows.stop - rows.start, side, rows.start))
    for first, i in enumerate(cuts, start=1):
        yield from _halved(i, side // 4)
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


def _buffer(own: Centered, side: int, reuse: bool) -> Tensor | None:
    return own.values.new_empty(min(side, len(own.values)) * side) if reuse else None


def _distances(x: Centered, i: slice, y: Centered, j: slice, same: bool, buffer: Tensor | None) -> Tensor:
    """Distances of rows i of x to rows j of y, in the buffer if there is one."""
    shape = i.stop - i.start, j.stop - j.start
    out = None if buffer is None else buffer[: shape[0] * shape[1]].view(shape)
    return distances(x.values[i], y.values[j], x.squares[i], y.squares[j], same=same, precision=x.precision, out=out)


def _starts(own: Centered, group: Group) -> list[int]:
    counts = row_counts(len(own.values), group)
    return [sum(counts[:owner]) for owner in range(len(counts))]


def _shift(part: slice, start: int) -> slice:
    return slice(part.start + start, part.stop + start)
