"""The largest similarities w of each row."""

from collections.abc import Sequence

import torch
from torch import Tensor

from csl.distributed import Group, Shard
from csl.pairwise.checks import check_features, check_neighbors
from csl.pairwise.full_weights import rates_and_log_sums
from csl.pairwise.pairs import Pairs
from csl.pairwise.precision import full_precision
from csl.pairwise.top import Best, TopColumns, rank_columns


@full_precision()
def top_weights(
    features: Tensor, temperatures: Sequence[float], k: int, *, group: Group = None
) -> list[tuple[Tensor, Tensor]]:
    """The k largest similarities `w_ij = N² a_ij² / (r_i r_j)` of each row, with row sums over *all* pairs.

    Two or three passes over the pairs for all temperatures together: mean distance and row sums, together where that
    is cheaper, then the largest similarities.

    Args:
        features: This process's rows `[n, D]`.
        temperatures: T values.
        k: How many neighbours, 1 to N − 1.
        group: The processes that hold the other rows.

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
    pairs = Pairs(features, Shard.of(len(features), group))
    check_neighbors(k, pairs.num_rows - 1)
    logs = rates_and_log_sums(pairs, temperatures)
    start = pairs.shard.own.start
    best = [TopColumns(len(features), k, pairs.device, with_values=True) for _ in logs]
    penalties = [log_sums.float() for _, log_sums in logs]
    # On one process a tile and its mirror image come from one product; on several a process sees its own rows only.
    for rows, columns, block, mirrored in pairs.tiles() if group is None else pairs.row_tiles():
        own = slice(rows.start - start, rows.stop - start)
        for notes, (rate, _), penalty in zip(best, logs, penalties, strict=True):
            # log w_ij without what all columns of row i share.
            notes.add(own, columns.start, torch.add(-penalty[columns], block, alpha=-2 * rate), block)
        if mirrored and group is None:
            mirror = block.T.contiguous()
            for notes, (rate, _), penalty in zip(best, logs, penalties, strict=True):
                notes.add(columns, rows.start, torch.add(-penalty[rows], mirror, alpha=-2 * rate), mirror)
    own = pairs.shard.own
    return [_weights(notes.take(), *log, own, pairs.num_rows) for notes, log in zip(best, logs, strict=True)]


def _weights(best: Best, rate: float, log_sums: Tensor, own: slice, num_rows: int) -> tuple[Tensor, Tensor]:
    """The similarities at the chosen distances, in descending order, and their columns."""
    _, columns, chosen = best
    assert chosen is not None
    weights = (-2 * rate * chosen.double() - log_sums[own, None] - log_sums[columns]).exp() * num_rows**2
    order = rank_columns(weights, columns)
    return weights.gather(1, order), columns.gather(1, order)
