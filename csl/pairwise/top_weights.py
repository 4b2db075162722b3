"""The largest similarities w of each row."""

from collections.abc import Sequence

import torch
from torch import Tensor

from csl.distributed import Group, Shard
from csl.pairwise.checks import check_features, check_neighbors
from csl.pairwise.kernel_sums import rates_and_log_sums
from csl.pairwise.pairs import Pairs
from csl.pairwise.precision import full_precision
from csl.pairwise.tiles import Tile
from csl.pairwise.top import Best, TopColumns, rank_columns
from csl.pairwise.workers import Buffers


@full_precision()
def top_weights(
    features: Tensor, temperatures: Sequence[float], k: int, *, group: Group = None, tile_side: int | None = None
) -> list[tuple[Tensor, Tensor]]:
    """The k largest similarities `w_ij = N² a_ij² / (r_i r_j)` of each row, with row sums over *all* pairs.

    Two or three passes over the pairs for all temperatures together: mean distance and row sums, together where that
    is cheaper, then the largest similarities.

    Args:
        features: This process's rows `[n, D]`.
        temperatures: T values.
        k: How many neighbours, 1 to N − 1.
        group: The processes that hold the other rows.
        tile_side: As in `csl.pairwise.Streaming`.

    Returns:
        For each T the similarities `[n, k]`, float64, descending, and the global row numbers `[n, k]` they belong to,
        int64; of equal ones the lower row number comes first.

    Raises:
        ValueError: If the features are no finite floating-point matrix, a T is not positive, or k is out of range.
        UndefinedSimilarityError: For fewer than two samples or collapsed features.

    Example:
        >>> ((weights, columns),) = top_weights(torch.tensor([[0.0], [1.0], [5.0]]), [1.0], 1)
        >>> columns.flatten()
        tensor([1, 0, 1])
    """
    check_features(features, group)
    pairs = Pairs(features, Shard.of(len(features), group), tile_side=tile_side)
    check_neighbors(k, pairs.num_rows - 1)
    logs = rates_and_log_sums(pairs, temperatures, then=1)
    own = pairs.shard.own
    best = [TopColumns(len(features), k, pairs.device, with_values=True) for _ in logs]
    # −log w_ij is 2 rate d_ij and a term of either row: the own one is the same for all columns.
    penalties = [log_sums.float() for _, log_sums in logs]

    def work(tile: Tile, buffers: Buffers) -> None:
        mine = slice(tile.rows.start - own.start, tile.rows.stop - own.start)
        for notes, penalty, (rate, _) in zip(best, penalties, logs, strict=True):
            costs = torch.add(penalty[tile.columns], tile.distances, alpha=2 * rate, out=buffers[0])
            notes.add(mine, tile.columns.start, costs, tile.distances)
            if tile.mirrored:
                costs = torch.add(penalty[tile.rows, None], tile.distances, alpha=2 * rate, out=buffers[0])
                notes.add_mirrored(tile.columns, tile.rows.start, costs, tile.distances)

    pairs.visit(work)
    return [_weights(notes.take(), *log, own, pairs.num_rows) for notes, log in zip(best, logs, strict=True)]


def _weights(best: Best, rate: float, log_sums: Tensor, own: slice, num_rows: int) -> tuple[Tensor, Tensor]:
    """The similarities at the chosen distances, in descending order, and their columns."""
    _, columns, chosen = best
    assert chosen is not None
    weights = (-2 * rate * chosen.double() - log_sums[own, None] - log_sums[columns]).exp() * num_rows**2
    order = rank_columns(-weights, columns)
    return weights.gather(1, order), columns.gather(1, order)
