"""Sums of the similarity w over pairs of classes: all that relative local density asks of the N×N pairs."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import Generic, NamedTuple, TypeVar

import torch
from torch import Tensor

from csl.distributed import all_reduce
from csl.pairwise.kernel import tile_run_sums
from csl.pairwise.kernel_sums import kernels_with_sums
from csl.pairwise.labeled import LabeledPairs
from csl.pairwise.precision import full_precision
from csl.pairwise.tiles import Tile
from csl.pairwise.workers import Buffers


class ClassSums(NamedTuple):
    """What relative local density asks of the pairs, on the N² scale.

    Attributes:
        within: `Σ_{i,j in c} w_ij` `[T, C]`, float64.
        degrees: `Σ_{i in c} k_i` with `k_i = Σ_j w_ij` `[T, C]`, float64; its sum over the classes is W.

    Example:
        >>> sums = ClassSums(within=torch.tensor([[32.0, 32.0]]), degrees=torch.tensor([[32.0, 32.0]]))
        >>> total = sums.degrees.sum()
        >>> (sums.within / total - (sums.degrees / total).square()).sum()  # relative local density
        tensor(0.5000)
    """

    within: Tensor
    degrees: Tensor


@full_precision()
def weight_block_sums(labeled: LabeledPairs, temperatures: Sequence[float]) -> Tensor:
    """`Σ_{i in c, j in c'} w_ij` for every two classes, with `w_ij = N² a_ij² / (r_i r_j)`.

    Two or three passes over the pairs for all temperatures together: mean distance and row sums, together where that is
    cheaper, then block sums. Rows are taken in the order of their labels, so that a tile holds few classes and near
    pairs, mostly of one class, lie together.

    Args:
        labeled: The pairs and their classes.
        temperatures: T values.

    Returns:
        float64 `[T, C, C]`, symmetric, on the N² scale, on every process; its sum over all blocks is W.

    Raises:
        ValueError: If a T is not positive.
        UndefinedSimilarityError: For fewer than two samples or collapsed features.

    Example:
        >>> from csl.distributed import Shard
        >>> x, classes = torch.tensor([[0.0], [0.1], [5.0], [5.1]]), torch.tensor([0, 0, 1, 1])
        >>> weight_block_sums(LabeledPairs.of(x, classes, 2, Shard.of(4), passes=3), [0.1])[0].round(decimals=3)
        tensor([[32.,  0.],
                [ 0., 32.]], dtype=torch.float64)
    """
    pairs, count = labeled.pairs, labeled.num_classes
    blocks = torch.zeros(len(temperatures), count, count, dtype=torch.float64, device=pairs.device)
    tiles = _tile_sums(labeled, temperatures, lambda sums, rows, columns: sums)
    for rows, columns, sums, mirrored in tiles:
        blocks[:, rows.classes[:, None], columns.classes] += sums
        if mirrored:
            blocks[:, columns.classes[:, None], rows.classes] += sums.mT
    return all_reduce(blocks, pairs.group)


@full_precision()
def weight_class_sums(labeled: LabeledPairs, temperatures: Sequence[float]) -> ClassSums:
    """The diagonal and the row sums of `weight_block_sums`, without an array of all pairs of classes.

    Args and errors are those of `weight_block_sums`.

    Example:
        >>> from csl.distributed import Shard
        >>> x, classes = torch.tensor([[0.0], [0.1], [5.0], [5.1]]), torch.tensor([0, 0, 1, 1])
        >>> sums = weight_class_sums(LabeledPairs.of(x, classes, 2, Shard.of(4), passes=3), [0.1])
        >>> sums.degrees.round(decimals=3)
        tensor([[32., 32.]], dtype=torch.float64)
    """
    pairs = labeled.pairs
    within, degrees = torch.zeros(2, len(temperatures), labeled.num_classes, dtype=torch.float64, device=pairs.device)
    tiles = _tile_sums(labeled, temperatures, _class_sums)
    for rows, columns, (same, by_row, by_column), mirrored in tiles:
        within[:, rows.place] += same
        degrees[:, rows.place] += by_row
        if mirrored:
            # Rounded as the degrees are, one addend after the other, so that one class is exactly 0.
            within[:, rows.place] += same
            degrees[:, columns.place] += by_column
    return ClassSums(*all_reduce(torch.stack([within, degrees]), pairs.group))


class _Segments(NamedTuple):
    """Runs of one class in a block of rows that is sorted by class.

    Attributes:
        classes: The class of each run `[s]`.
        place: Where these classes stand in a list of all; a slice if none between them is missing.
        edges: Where in the block the runs begin, and where the last one ends.
    """

    classes: Tensor
    place: slice | Tensor
    edges: list[int]

    @property
    def parts(self) -> list[slice]:
        """Where in the block each run is."""
        return [slice(*ends) for ends in pairwise(self.edges)]

    @classmethod
    def of(cls, classes: Tensor) -> "_Segments":
        present, counts = torch.unique_consecutive(classes, return_counts=True)
        edges = [0, *counts.cumsum(dim=0).tolist()]
        first, last = int(present[0]), int(present[-1])
        place = slice(first, last + 1) if last - first + 1 == len(present) else present
        return cls(present, place, edges)


Taken = TypeVar("Taken")


class _TileSums(NamedTuple, Generic[Taken]):
    """`Σ w_ij` over one tile for each of its classes, or what is taken of these sums.

    Attributes:
        rows: The classes of the tile's rows, p of them.
        columns: The classes of its columns, q of them.
        taken: Of `[T, p, q]`, float64.
        mirrored: Whether the transposed pairs are to be counted too.
    """

    rows: _Segments
    columns: _Segments
    taken: Taken
    mirrored: bool


def _class_sums(sums: Tensor, rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Sums `[T, p, q]` within each class of the rows `[T, p]`, over all columns `[T, p]`, over all rows `[T, q]`."""
    return (sums * (rows[:, None] == columns)).sum(dim=2), sums.sum(dim=2), sums.sum(dim=1)


def _tile_sums(
    labeled: LabeledPairs, temperatures: Sequence[float], take: Callable[[Tensor, Tensor, Tensor], Taken]
) -> Iterator[_TileSums[Taken]]:
    """What is taken of the sums of each tile, given those and the classes of its rows and of its columns.

    Columns of one class lie together, so that a class costs one product with a vector: a third of the time of a
    product with a table of memberships, and no more for many classes.
    """
    pairs, classes, _ = labeled
    kernels, sums_by_row = kernels_with_sums(pairs, temperatures, then=1)
    by_row = pairs.num_rows / sums_by_row  # w is N² a² / (r_i r_j)
    segments = cache(lambda start, stop: _Segments.of(classes[start:stop]))

    def work(tile: Tile, buffers: Buffers) -> _TileSums[Taken]:
        rows, columns = (segments(block.start, block.stop) for block in (tile.rows, tile.columns))
        sums = tile_run_sums(kernels, tile, buffers, by_row[:, tile.columns].float(), columns.edges)
        weighted = sums.double() * by_row[:, None, tile.rows]
        by_class = torch.stack([weighted[:, :, part].sum(dim=2) for part in rows.parts], dim=1)
        return _TileSums(rows, columns, take(by_class, rows.classes, columns.classes), tile.mirrored)

    for _, sums in pairs.each(work):
        yield sums
