"""Sums of the kernel over each sample's neighbours."""

from collections.abc import Sequence
from functools import partial
from typing import Unpack

import torch
from torch import Tensor

from csl.checks import check_temperature
from csl.distributed import Group, Shard, all_reduce
from csl.pairwise.checks import check_features, check_temperatures
from csl.pairwise.kernel import FAINTEST, Kernel, tile_sums
from csl.pairwise.pairs import Pairs
from csl.pairwise.precision import full_precision
from csl.pairwise.streaming import Streaming


@full_precision()
def mean_distance(features: Tensor, *, group: Group = None, **streaming: Unpack[Streaming]) -> Tensor:
    """mu, the mean Euclidean distance over all pairs i < j of the group's samples.

    Args:
        features: This process's rows `[n, D]`.
        group: The processes that hold the other rows.
        **streaming: Memory, precision, progress; see `csl.pairwise.Streaming`.

    Returns:
        A float64 scalar in units of the features; NaN for fewer than two samples.

    Raises:
        ValueError: If the features are no finite floating-point matrix.

    Example:
        >>> mean_distance(torch.tensor([[0.0, 0.0], [3.0, 4.0]]))
        tensor(5., dtype=torch.float64)
    """
    check_features(features, group)
    return Pairs(features, Shard.of(len(features), group), passes=1, **streaming).mean


@full_precision()
def log_row_sums(
    features: Tensor,
    mean: Tensor,
    temperatures: Sequence[float],
    *,
    group: Group = None,
    **streaming: Unpack[Streaming],
) -> Tensor:
    """`log r_i` with `r_i = Σ_{j ≠ i} exp(−d_ij / (mean T))`; no temperature is so small that a sum underflows.

    Every pair counts. Distances are float32, so that the error of `log r_i` grows with 1 / T: measured against dense
    float64 it is at most 2e-7 / T, and 6e-7 / T with an outlier ten mean distances away.

    Args:
        features: This process's rows `[n, D]`.
        mean: The distance that counts as 1, as `mean_distance` gives it.
        temperatures: T values.
        group: The processes that hold the other rows.
        **streaming: Memory, precision, progress; see `csl.pairwise.Streaming`.

    Returns:
        float64 `[T, N]`, for all rows of the group, on every process.

    Raises:
        ValueError: If the features are no finite floating-point matrix, or a temperature or the mean is not positive.

    Example:
        >>> x = torch.tensor([[0.0], [1.0], [2.0]])
        >>> log_row_sums(x, torch.tensor(1.0), [1.0]).exp()
        tensor([[0.5032, 0.7358, 0.5032]], dtype=torch.float64)
    """
    check_temperature(mean=float(mean))
    values = check_temperatures(temperatures)
    check_features(features, group)
    pairs = Pairs(features, Shard.of(len(features), group), passes=2, **streaming)
    pairs.passes = 1  # unless the nearest distances take another
    kernels = kernels_at(pairs, [pairs.own.unit / (float(mean) * t) for t in values])
    return torch.stack([kernel.log(sums) for kernel, sums in zip(kernels, row_sums(pairs, kernels), strict=True)])


def kernels_at(pairs: Pairs, rates: Sequence[float]) -> list[Kernel]:
    """A kernel of each rate; where neither norms nor an earlier pass tell of the nearest distances, it takes a pass."""
    if not any(may_need_references(pairs, rate) for rate in rates):
        return [Kernel(rate, None) for rate in rates]
    pairs.passes += not pairs.knows_nearest
    return [Kernel.around(pairs.nearest, rate) for rate in rates]


def may_need_references(pairs: Pairs, rate: float) -> bool:
    """Whether norms alone leave it open that a sample's nearest is too far away for a kernel without references."""
    return sum(pairs.norms) * rate > FAINTEST


def row_sums(pairs: Pairs, kernels: Sequence[Kernel]) -> Tensor:
    """Sums of each kernel over each row, relative to the kernel's reference, float64 `[T, N]`, on every process."""
    sums = torch.zeros(len(kernels), pairs.num_rows, dtype=torch.float64, device=pairs.device)
    for tile, (by_row, by_column) in pairs.each(partial(tile_sums, kernels)):
        sums[:, tile.rows] += by_row
        if tile.mirrored:
            sums[:, tile.columns] += by_column
    return all_reduce(sums, pairs.group)
