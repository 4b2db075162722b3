"""The similarities w themselves: the largest of each row, or all of them where there are few samples."""

import torch
from torch import Tensor

from csl.distributed import Group, rank
from csl.pairwise.checks import check_neighbors, check_temperatures
from csl.pairwise.kernel import Kernel
from csl.pairwise.pairs import Pairs
from csl.pairwise.precision import full_precision
from csl.pairwise.row_sums import row_sums
from csl.pairwise.top import TopColumns, rank_columns


@full_precision()
def top_weights(features: Tensor, temperature: float, k: int, *, group: Group = None) -> tuple[Tensor, Tensor]:
    """The k largest similarities `w_ij = N² a_ij² / (r_i r_j)` of each row, with row sums over *all* pairs.

    Args:
        features: This process's rows `[n, D]`.
        temperature: T.
        k: How many neighbours, 1 to N − 1.
        group: The processes that hold the other rows.

    Returns:
        The similarities `[n, k]`, float64, descending, and the global row numbers `[n, k]` they belong to, int64; of
        equal ones the lower row number comes first.

    Raises:
        ValueError: If the features are no finite floating-point matrix, T is not positive, or k is out of range.
        UndefinedSimilarityError: For fewer than two samples or collapsed features.

    Example:
        >>> weights, columns = top_weights(torch.tensor([[0.0], [1.0], [5.0]]), 1.0, 1)
        >>> columns.flatten()
        tensor([1, 0, 1])
    """
    pairs = Pairs(features, group=group)
    check_neighbors(k, pairs.num_rows - 1)
    rate, log_sums = _log_sums(pairs, temperature)
    start = sum(pairs.counts[: rank(group)])
    penalties = log_sums.float()
    best = TopColumns(len(features), k, pairs.device, extras=1)
    for rows, columns, block, _ in pairs.row_tiles():
        # log w_ij without what all columns of row i share.
        scores = torch.add(-penalties[columns], block, alpha=-2 * rate)
        best.add(slice(rows.start - start, rows.stop - start), columns.start, scores, block)
    own = log_sums[start : start + len(features), None]
    weights = (-2 * rate * best.extras[0].double() - own - log_sums[best.columns]).exp() * pairs.num_rows**2
    order = rank_columns(weights, best.columns)
    return weights.gather(1, order), best.columns.gather(1, order)


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
        >>> dense_weights(torch.tensor([[0.0], [1.0]]), 0.1)
        tensor([[0., 4.],
                [4., 0.]], dtype=torch.float64)
    """
    pairs = Pairs(features)
    rate, log_sums = _log_sums(pairs, temperature)
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


def _log_sums(pairs: Pairs, temperature: float) -> tuple[float, Tensor]:
    """`1 / (mu T)` and the logarithms of all row sums `[N]`."""
    (value,) = check_temperatures([temperature])
    kernel = Kernel.around(pairs.distances.nearest, 1 / (pairs.scale * value))
    return kernel.rate, kernel.log(row_sums(pairs, [kernel])[0])
