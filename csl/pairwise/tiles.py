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


def symmetric_tiles(own: Centered, side: int, group: Group = None) -> Iterator[Tile]:
    """Tiles that cover each unordered pair exactly once across the group.

    Each process takes the upper triangle of its own rows, then its own rows against the shards that come round the
    ring, half of the way: the other half is met from the other side. With an even number of processes the opposite
    shard is met by both, and each takes half of the rows of the lower one.
    """
    starts = _starts(own, group)
    me, count = rank(group), size(group)
    for step, (owner, (values, squares)) in enumerate(ring((own.values, own.squares), group)):
        if owner == me:
            yield from _triangle(own, starts[me], side)
            if count == 1:
                return
            continue
        theirs = Centered(values, squares, own.unit, own.norm)
        mine, other = slice(0, len(own.values)), slice(0, len(values))
        if 2 * step == count:
            mine, other = _halves(mine, other, me < owner)
        yield from _rectangle(own, mine, starts[me], theirs, other, starts[owner], side)
        if step == count // 2:
            return


def row_tiles(own: Centered, side: int, group: Group = None) -> Iterator[Tile]:
    """Tiles of this process's rows against all columns of the group; nothing is mirrored."""
    starts = _starts(own, group)
    me = rank(group)
    for owner, (values, squares) in ring((own.values, own.squares), group):
        for i in blocks(len(own.values), side):
            for j in blocks(len(values), side):
                same = owner == me and i == j
                block = distances(own.values[i], values[j], own.squares[i], squares[j], same=same)
                yield Tile(_shift(i, starts[me]), _shift(j, starts[owner]), block, mirrored=False)


def _triangle(own: Centered, start: int, side: int) -> Iterator[Tile]:
    cuts = list(blocks(len(own.values), side))
    for first, i in enumerate(cuts):
        for j in cuts[first:]:
            block = distances(own.values[i], own.values[j], own.squares[i], own.squares[j], same=i == j)
            yield Tile(_shift(i, start), _shift(j, start), block, mirrored=i != j)


def _rectangle(
    own: Centered, mine: slice, start: int, theirs: Centered, other: slice, their_start: int, side: int
) -> Iterator[Tile]:
    for i in blocks(mine.stop - mine.start, side, mine.start):
        for j in blocks(other.stop - other.start, side, other.start):
            block = distances(own.values[i], theirs.values[j], own.squares[i], theirs.squares[j])
            yield Tile(_shift(i, start), _shift(j, their_start), block, mirrored=True)


def _halves(mine: slice, other: slice, lower: bool) -> tuple[slice, slice]:
    """Both sides meet: the lower rank takes the first half of its rows, the upper one meets the second half."""
    if lower:
        return slice(0, mine.stop // 2), other
    return mine, slice(other.stop // 2, other.stop)


def _starts(own: Centered, group: Group) -> list[int]:
    counts = row_counts(len(own.values), group)
    return [sum(counts[:owner]) for owner in range(len(counts))]


def _shift(part: slice, start: int) -> slice:
    return slice(part.start + start, part.stop + start)
