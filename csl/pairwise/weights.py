"""The similarities w themselves: the largest of each row, or all of them where there are few samples."""

from collections.abc import Sequence

import torch
from torch import Tensor

from csl.distributed import Group, rank
from csl.pairwise.checks import check_neighbors, check_temperatures
from csl.pairwise.kernel import Kernel
from csl.pairwise.pairs import Pairs
from csl.pairwise.precision import full_precision
from csl.pairwise.row_sums import row_sums
from csl.pairwise.top import Best, TopColumns, rank_columns


@full_precision()
def top_weights(
    features: Tensor, temperatures: Sequence[float], k: int, *, group: Group = None
) -> list[tuple[Tensor, Tensor]]:
    """The k largest similarities `w_ij = N² a_ij² / (r_i r_j)` of each row, with row sums over *all* pairs.

    Three passes over the pairs for all temperatures together: mean distance, row sums, largest similarities.

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
    pairs = Pairs(features, group=group)
    check_neighbors(k, pairs.num_rows - 1)
    logs = _log_sums(pairs, temperatures)
    start = sum(pairs.counts[: rank(group)])
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
    own = slice(start, start + len(features))
    return [_weights(notes.take(), *log, own, pairs.num_rows) for notes, log in zip(best, logs, strict=True)]


def _weights(best: Best, rate: float, log_sums: Tensor, own: slice, num_rows: int) -> tuple[Tensor, Tensor]:
    """The similarities at the chosen distances, in descending order, and their columns."""
    _, columns, chosen = best
    assert chosen is not None
    weights = (-2 * rate * chosen.double() - log_sums[own, None] - log_sums[columns]).exp() * num_rows**2
    order = rank_columns(weights, columns)
    return weights.gather(1, order), columns.gather(1, order)


@full_precision()
def dense_weights(features: Tensor, temperature: float) -> Tensor:
    """All similarities `w_ij = N² a_ij² / (r_i r_j)`, for sets whose square fits memory.

    Args:
        features: Samples `[N, D]`.
        temperature: T.

    Returns:
        float64 `[N, N]`, symmetric, with a zero diagonal.

    Raises:
        ValueError: If the features are no finite floating-point matrix, or T is not positive.
        UndefinedSimilarityError: For fewer than two samples or collapsed features.

    Example:
        >>> dense_weights(torch.tensor([[0.0], [1.0]]), 0.1).round(decimals=3)
        tensor([[0., 4.],
                [4., 0.]], dtype=torch.float64)
    """
    pairs = Pairs(features)
    ((rate, log_sums),) = _log_sums(pairs, [temperature])
    weights = torch.empty(pairs.num_rows, pairs.num_rows, dtype=torch.float64, device=pairs.device)
    for rows, columns, block, mirrored in pairs.tiles():
        exponents = block.double().mul_(-2 * rate).sub_(log_sums[rows, None]).sub_(log_sums[columns])
        weights[rows, columns] = exponents.exp_().mul_(pairs.num_rows**2)
        if mirrored:
            weights[columns, rows] = weights[rows, columns].T
        else:
            # Both orders of a pair come from one product, whose two triangles may differ in the last digit.
            weights[rows, columns] = weights[rows, columns].tril() + weights[rows, columns].tril().T
    return weights


def _log_sums(pairs: Pairs, temperatures: Sequence[float]) -> list[tuple[float, Tensor]]:
    """`1 / (mu T)` and the logarithms of all row sums `[N]`, for each temperature."""
    values = check_temperatures(temperatures)
    kernels = [Kernel.around(pairs.distances.nearest, 1 / (pairs.scale * value)) for value in values]
    return [(kernel.rate, kernel.log(sums)) for kernel, sums in zip(kernels, row_sums(pairs, kernels), strict=True)]
