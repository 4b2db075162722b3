"""Sums of the similarity w over each sample's pairs, and over those of its class."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from csl.distributed import all_reduce
from csl.pairwise.kernel import tile_squares
from csl.pairwise.kernel_sums import kernels_with_sums
from csl.pairwise.labeled import LabeledPairs
from csl.pairwise.precision import full_precision
from csl.pairwise.tiles import Tile
from csl.pairwise.workers import Buffers


class SampleSums(NamedTuple):
    """What each sample's similarities add up to, on the N² scale.

    Attributes:
        within: `Σ_{j in c(i)} w_ij`, over the samples of i's class `[T, N]`, float64.
        degrees: `k_i = Σ_j w_ij` `[T, N]`, float64.
    """

    within: Tensor
    degrees: Tensor


@full_precision()
def sample_sums(labeled: LabeledPairs, temperatures: Sequence[float]) -> SampleSums:
    """The sums of `w_ij = N² a_ij² / (r_i r_j)` of all of the group's samples, in the order of the pairs.

    Two or three passes over the pairs for all temperatures together, as `csl.pairwise.weight_class_sums` takes.

    Raises:
        ValueError: If a temperature is not positive.
        UndefinedSimilarityError: For fewer than two samples or collapsed features.

    Example:
        >>> from csl.distributed import Shard
        >>> x, classes = torch.tensor([[0.0], [0.1], [5.0], [5.1]]), torch.tensor([0, 0, 1, 1])
        >>> sample_sums(LabeledPairs.of(x, classes, 2, Shard.of(len(x)), 3), [0.1]).within.round(decimals=3)
        tensor([[16., 16., 16., 16.]], dtype=torch.float64)
    """
    pairs, classes, _ = labeled
    kernels, sums_by_row = kernels_with_sums(pairs, temperatures, then=1)
    inverse = pairs.num_rows / sums_by_row  # w is N² a² / (r_i r_j)
    runs = cache(lambda start, stop: _runs(classes[start:stop]))

    def work(tile: Tile, buffers: Buffers) -> tuple[Tensor, Tensor]:
        rows, columns = (runs(block.start, block.stop) for block in (tile.rows, tile.columns))
        common = [(rows[one], columns[one]) for one in rows.keys() & columns.keys()]
        by_row = tile.distances.new_zeros(2, len(kernels), len(tile.distances))
        by_column = tile.distances.new_zeros(2, len(kernels), tile.distances.shape[1])
        for place, squares in tile_squares(kernels, tile, buffers):
            of_rows, of_columns = (inverse[place, block].float() for block in (tile.rows, tile.columns))
            by_row[1, place], by_column[1, place] = squares @ of_columns, squares.T @ of_rows
            for i, j in common:
                by_row[0, place, i] = squares[i, j] @ of_columns[j]
                by_column[0, place, j] = squares[i, j].T @ of_rows[i]
        return by_row.double() * inverse[:, tile.rows], by_column.double() * inverse[:, tile.columns]

    sums = torch.zeros(2, len(kernels), pairs.num_rows, dtype=torch.float64, device=pairs.device)
    for tile, (by_row, by_column) in pairs.each(work):
        sums[:, :, tile.rows] += by_row
        if tile.mirrored:
            sums[:, :, tile.columns] += by_column
    return SampleSums(*all_reduce(sums, pairs.group))


def _runs(classes: Tensor) -> dict[int, slice]:
    """Where each class of an ascending list stands."""
    present, counts = torch.unique_consecutive(classes, return_counts=True)
    stops = counts.cumsum(dim=0).tolist()
    return {one: slice(first, stop) for one, first, stop in zip(present.tolist(), [0, *stops], stops, strict=False)}
