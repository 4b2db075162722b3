"""Each sample's distance to the nearest sample of its class, and to the nearest one of another."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from csl.distributed import all_reduce
from csl.pairwise.labeled import LabeledPairs
from csl.pairwise.precision import full_precision
from csl.pairwise.tiles import Tile
from csl.pairwise.workers import Buffers


class NearestClasses(NamedTuple):
    """Distances to the nearest others, in units of the features; infinite where there are none.

    Attributes:
        own: To the nearest other sample of the same class `[N]`, float64.
        other: To the nearest sample of another class `[N]`, float64.
    """

    own: Tensor
    other: Tensor


@full_precision()
def nearest_classes(labeled: LabeledPairs, apart: tuple[Tensor, float] | None = None) -> NearestClasses:
    """The nearest of the same and of another class of all of the group's samples, in the order of the pairs; one pass.

    Args:
        labeled: The pairs.
        apart: Samples that are marked `[N]`, and how far from every other they count as being.

    Example:
        >>> from csl.distributed import Shard
        >>> x, classes = torch.tensor([[0.0], [1.0], [4.0]]), torch.tensor([0, 0, 1])
        >>> nearest_classes(LabeledPairs.of(x, classes, 2, Shard.of(len(x)), 1)).other.round(decimals=5)
        tensor([4., 3., 3.], dtype=torch.float64)
    """
    pairs, classes, _ = labeled

    def work(tile: Tile, buffers: Buffers) -> tuple[Tensor, Tensor]:
        distances = tile.distances
        if apart is not None:
            marked = apart[0][tile.rows, None] | apart[0][tile.columns]
            distances = distances.masked_fill(marked & distances.isfinite(), apart[1] / pairs.own.unit)
        same = classes[tile.rows, None] == classes[tile.columns]
        own, other = (buffer.copy_(distances) for buffer in buffers)
        both = own.masked_fill_(~same, math.inf), other.masked_fill_(same, math.inf)
        return torch.stack([one.amin(dim=1) for one in both]), torch.stack([one.amin(dim=0) for one in both])

    nearest = torch.full((2, pairs.num_rows), math.inf, device=pairs.device)
    for tile, (by_row, by_column) in pairs.each(work):
        nearest[:, tile.rows] = torch.minimum(nearest[:, tile.rows], by_row)
        nearest[:, tile.columns] = torch.minimum(nearest[:, tile.columns], by_column)
    return NearestClasses(*(all_reduce(nearest, pairs.group, "min").double() * pairs.own.unit))
