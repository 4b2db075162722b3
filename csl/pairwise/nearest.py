"""The nearest others of each sample, found while each pair is met once."""

from torch import Tensor

from csl.pairwise.pairs import Pairs
from csl.pairwise.precision import full_precision
from csl.pairwise.tiles import Tile
from csl.pairwise.top import TopColumns
from csl.pairwise.workers import Buffers


@full_precision()
def nearest(pairs: Pairs, k: int) -> tuple[Tensor, Tensor]:
    """The k nearest others of each sample of one process, in one pass over the pairs.

    Args:
        pairs: The pairs of one process's samples.
        k: How many others, 1 to N − 1.

    Returns:
        Distances `[N, k]`, float32, ascending, in units of the features, and the rows `[N, k]` of the features that
        they belong to, int64; of equal distances the lower row comes first.

    Example:
        >>> import torch
        >>> distances, rows = nearest(Pairs(torch.tensor([[0.0], [1.0], [4.0]])), 2)
        >>> rows
        tensor([[1, 2],
                [0, 2],
                [1, 0]])
    """
    best = TopColumns(pairs.num_rows, k, pairs.device, numbers=pairs.order)

    def work(tile: Tile, buffers: Buffers) -> None:
        best.add(tile.rows, tile.columns.start, tile.distances)
        if tile.mirrored:
            best.add_mirrored(tile.columns, tile.rows.start, tile.distances)

    pairs.visit(work)
    found = best.take()
    distances, rows = found.costs.mul_(pairs.own.unit), found.columns
    if pairs.order is None:
        return distances, rows
    places = pairs.order.argsort()
    return distances[places], rows[places]
