"""Which sample is nearest to each, and how many are nearer than a given one."""

import math
from functools import partial

import torch
from torch import Tensor

from csl.distributed import all_reduce
from csl.pairwise.pairs import Pairs
from csl.pairwise.precision import full_precision
from csl.pairwise.tiles import Tile
from csl.pairwise.workers import Buffers

_EQUAL = 1e-6  # distances that differ by less than this share are equal: float32 tells them apart by rounding


@full_precision()
def nearest_rows(pairs: Pairs) -> Tensor:
    """The row that is nearest to each of the group's samples `[N]`, itself left out; of equally near ones the first.

    One pass; there must be two samples or more.

    Example:
        >>> nearest_rows(Pairs(torch.tensor([[0.0], [2.0], [3.0]])))
        tensor([1, 2, 1])
    """

    def work(tile: Tile, buffers: Buffers) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        block = tile.distances
        return (block.amin(dim=1), block.argmin(dim=1)), (block.amin(dim=0), block.argmin(dim=0))

    least = torch.full((pairs.num_rows,), math.inf, device=pairs.device)
    where = torch.full((pairs.num_rows,), pairs.num_rows, device=pairs.device)
    for tile, found in pairs.each(work):
        for own, others, (values, places) in zip(tile[:2], (tile.columns, tile.rows), found, strict=True):
            rows = places + others.start
            nearer = (values < least[own]) | (values == least[own]) & (rows < where[own])
            least[own] = torch.where(nearer, values, least[own])
            where[own] = torch.where(nearer, rows, where[own])
    everywhere = all_reduce(least, pairs.group, "min")
    return all_reduce(where.masked_fill(least > everywhere, pairs.num_rows), pairs.group, "min")


@full_precision()
def ranks(pairs: Pairs, others: Tensor) -> Tensor:
    """The rank of one other sample among all others of each, by distance: 1 for the nearest, N − 1 for the farthest.

    Samples that are equally far share the mean of their ranks. Two passes.

    Args:
        pairs: The pairs.
        others: A row for each of the group's samples `[N]`, which is not its own.

    Returns:
        `[N]`, float64.

    Example:
        >>> ranks(Pairs(torch.tensor([[0.0], [2.0], [3.0]])), torch.tensor([2, 0, 0]))
        tensor([2., 2., 2.], dtype=torch.float64)
    """
    limits = _distances_to(pairs, others)
    counts = torch.zeros(pairs.num_rows, dtype=torch.float64, device=pairs.device)
    for tile, (by_row, by_column) in pairs.each(partial(_nearer, limits)):
        counts[tile.rows] += by_row
        if tile.mirrored:
            counts[tile.columns] += by_column
    # The other itself is among those that are equally far, and counts as half: 1/2 more is its own place.
    return all_reduce(counts, pairs.group) + 0.5


def _distances_to(pairs: Pairs, others: Tensor) -> Tensor:
    """The distance of each sample to its other `[N]`, as the tiles have it."""

    def work(tile: Tile, buffers: Buffers) -> tuple[Tensor, Tensor]:
        return (
            _picked(tile.distances, others[tile.rows] - tile.columns.start),
            _picked(tile.distances.T, others[tile.columns] - tile.rows.start),
        )

    found = torch.full((pairs.num_rows,), math.inf, device=pairs.device)
    for tile, picked in pairs.each(work):
        for rows, values in zip(tile[:2], picked, strict=True):
            found[rows] = torch.minimum(found[rows], values)
    return all_reduce(found, pairs.group, "min")


def _picked(distances: Tensor, columns: Tensor) -> Tensor:
    """The entry of each row in this column `[n]`; infinite where the tile does not have it."""
    inside = (columns >= 0) & (columns < distances.shape[1])
    entries = distances.gather(1, columns.clamp(0, distances.shape[1] - 1)[:, None])[:, 0]
    return entries.masked_fill(~inside, math.inf)


def _nearer(limits: Tensor, tile: Tile, buffers: Buffers) -> tuple[Tensor, Tensor]:
    """How many columns of each row are nearer than its limit, equal ones counted half; and rows of each column."""
    rows, columns = limits[tile.rows, None], limits[tile.columns]
    counts = []
    for limit, dim in ((rows, 1), (columns, 0)):
        less = (tile.distances < limit * (1 - _EQUAL)).sum(dim=dim)
        counts.append((less + (tile.distances <= limit * (1 + _EQUAL)).sum(dim=dim)).double() / 2)
    return counts[0], counts[1]
