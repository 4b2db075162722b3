"""Sums of distances by class: what silhouettes and distances within classes are made of."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from csl.distributed import all_reduce
from csl.pairwise.blocks import blocks
from csl.pairwise.labeled import LabeledPairs
from csl.pairwise.pairs import Pairs
from csl.pairwise.precision import full_precision
from csl.pairwise.streaming import MEMORY_BUDGET
from csl.pairwise.tiles import Tile
from csl.pairwise.workers import Buffers


@full_precision()
def distances_within(labeled: LabeledPairs) -> tuple[Tensor, Tensor]:
    """`Σ ‖x_i − x_j‖` over the ordered pairs of one class and over those of two, in units of the mean over all pairs.

    One pass over the pairs. Rows come in the order of their labels within each process's shard, so that most tiles
    hold pairs of two classes only.

    Returns:
        Two float64 scalars, the same on every process.

    Raises:
        UndefinedSimilarityError: For fewer than two samples or collapsed features.

    Example:
        >>> from csl.distributed import Shard
        >>> x, classes = torch.tensor([[0.0], [1.0], [3.0]]), torch.tensor([0, 0, 1])  # the mean distance is 2
        >>> distances_within(LabeledPairs.of(x, classes, 2, Shard.of(3), passes=1))
        (tensor(1., dtype=torch.float64), tensor(5., dtype=torch.float64))
    """
    pairs, classes, _ = labeled

    def work(tile: Tile, buffers: Buffers) -> Tensor:
        finite = _finite(tile, buffers)
        total = finite.sum(dim=1).double().sum()
        within = torch.zeros_like(total)
        if _meet(classes[tile.rows], classes[tile.columns]):
            others = classes[tile.rows, None] != classes[tile.columns]
            within = finite.masked_fill(others, 0).sum(dim=1).double().sum()
        return (2 if tile.mirrored else 1) * torch.stack([within, total - within])

    sums = torch.zeros(2, dtype=torch.float64, device=pairs.device)
    for _, found in pairs.each(work):
        sums += found
    return in_mean_distances(pairs, all_reduce(sums, pairs.group))


def in_mean_distances(pairs: Pairs, sums: Tensor) -> tuple[Tensor, Tensor]:
    """Sums of all distances within and between classes `[2]`, in units of the tiles, in those of the mean distance.

    Raises:
        UndefinedSimilarityError: For fewer than two samples or collapsed features.
    """
    within, between = sums / pairs.checked_scale(float(sums.sum()) / max(1, pairs.num_rows * (pairs.num_rows - 1)))
    return within, between.clamp(min=0)


class ClassDistances(NamedTuple):
    """The distances of some of this process's samples to each class.

    Attributes:
        classes: Each sample's own class `[b]`.
        sums: `S_ic = Σ_{j in c} ‖x_i − x_j‖` `[b, C]`, float64, in units of `Centered.unit`.
    """

    classes: Tensor
    sums: Tensor


def class_distance_sums(labeled: LabeledPairs, memory_budget: int = MEMORY_BUDGET) -> Iterator[ClassDistances]:
    """`S_ic = Σ_{j in c} ‖x_i − x_j‖` of this process's samples, all or a block of them at a time.

    Where 8 bytes for each of the group's samples and each class fit the memory budget, every pair is met once, and all
    own samples come together. Where they do not, each process meets its own rows with all others, in blocks that fit,
    which takes twice as long.

    Args:
        labeled: The pairs and their classes; all processes must take all blocks, of which some may be empty.
        memory_budget: How many bytes the sums may take.

    Yields:
        Classes and sums of each own sample once, in the order of the labels.

    Raises:
        UndefinedSimilarityError: After the last block, for fewer than two samples or collapsed features.

    Example:
        >>> from csl.distributed import Shard
        >>> x, labels = torch.tensor([[0.0], [1.0], [3.0]]), torch.tensor([0, 0, 1])
        >>> ((classes, sums),) = class_distance_sums(LabeledPairs.of(x, labels, 2, Shard.of(3), passes=1))
        >>> (sums / sums[0, 0]).round(decimals=3)
        tensor([[1., 3.],
                [1., 2.],
                [5., 0.]], dtype=torch.float64)
    """
    pairs, classes, num_classes = labeled
    at_once = memory_budget // (8 * max(1, num_classes))
    count, start = len(pairs.own.values), pairs.shard.own.start
    parts = [slice(0, count)]
    if apart := at_once < pairs.num_rows:
        parts = list(blocks(max(pairs.shard.counts), max(1, at_once // pairs.side) * pairs.side))
        pairs.count.expect(len(parts))
    total = torch.zeros((), dtype=torch.float64, device=pairs.device)
    for part in parts:
        own = slice(start + min(part.start, count), start + min(part.stop, count))
        sums = _block(pairs, classes, num_classes, part, own) if apart else all_distance_sums(labeled)[own]
        total += sums.sum()
        yield ClassDistances(classes[own], sums)
    pairs.checked_scale(float(all_reduce(total, pairs.group)) / max(1, pairs.num_rows * (pairs.num_rows - 1)))


@full_precision()
def all_distance_sums(labeled: LabeledPairs) -> Tensor:
    """The sums of all of the group's rows `[N, C]`."""
    pairs, classes, num_classes = labeled

    def work(tile: Tile, buffers: Buffers) -> list[_Part]:
        finite = _finite(tile, buffers)
        parts = [_part(tile.rows, finite, classes[tile.columns])]
        return [*parts, _part(tile.columns, finite.T, classes[tile.rows])] if tile.mirrored else parts

    sums = torch.zeros(pairs.num_rows, num_classes, dtype=torch.float64, device=pairs.device)
    for _, parts in pairs.each(work):
        for part in parts:
            sums[part.rows, part.classes] += part.sums
    sums = all_reduce(sums, pairs.group)
    pairs.know_mean(sums.sum())
    return sums


@full_precision()
def _block(pairs: Pairs, classes: Tensor, num_classes: int, part: slice, own: slice) -> Tensor:
    """The sums of a part of this process's rows `[b, C]`, which are these of all rows."""

    def work(tile: Tile, buffers: Buffers) -> _Part:
        place = slice(tile.rows.start - own.start, tile.rows.stop - own.start)
        return _part(place, _finite(tile, buffers), classes[tile.columns])

    sums = torch.zeros(own.stop - own.start, num_classes, dtype=torch.float64, device=pairs.device)
    for _, found in pairs.each_of_rows(work, part):
        sums[found.rows, found.classes] += found.sums
    return sums


class _Part(NamedTuple):
    """Sums of some rows' distances to some classes, float32: several wait to be added in float64."""

    rows: slice
    classes: slice
    sums: Tensor


def _part(rows: slice, distances: Tensor, classes: Tensor) -> _Part:
    """Each row's distances summed by the classes of their columns, which ascend within a tile."""
    first, last = int(classes[0]), int(classes[-1]) + 1
    membership = distances.new_zeros(len(classes), last - first)
    membership.scatter_(1, (classes - first)[:, None], 1.0)
    return _Part(rows, slice(first, last), distances @ membership)


def _finite(tile: Tile, buffers: Buffers) -> Tensor:
    """The distances of a tile, 0 from a sample to itself."""
    if tile.rows.start >= tile.columns.stop or tile.columns.start >= tile.rows.stop:
        return tile.distances
    return torch.nan_to_num(tile.distances, posinf=0, out=buffers[0])


def _meet(rows: Tensor, columns: Tensor) -> bool:
    """Whether two ascending lists of classes, neither empty, may have one in common."""
    return bool((rows[0] <= columns[-1]) & (columns[0] <= rows[-1]))
