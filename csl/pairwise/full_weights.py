"""All similarities w: written out where their square fits memory, or computed anew, tile by tile, for each product."""

from collections.abc import Sequence

import torch
from torch import Tensor

from csl.distributed import Group, Shard, all_reduce
from csl.pairwise.checks import check_features
from csl.pairwise.kernel_sums import rates_and_log_sums
from csl.pairwise.pairs import Pairs
from csl.pairwise.precision import full_precision
from csl.pairwise.streaming import MEMORY_BUDGET
from csl.pairwise.tiles import Tile
from csl.pairwise.workers import Buffers


class FullWeights:
    """All similarities `w_ij = N² a_ij² / (r_i r_j)` of one temperature, with a zero diagonal; none of them is stored.

    Made by `full_weights`. What it holds is this process's rows in float32, the row sums, and, where they fit the
    budget given there, the distances.

    Attributes:
        shard: Which rows this process owns.
        rate: `1 / (mu T)`.
        log_sums: The logarithms of all row sums r `[N]`, float64.

    Example:
        >>> (weights,) = full_weights(torch.tensor([[0.0], [1.0], [9.0]]), [1.0])
        >>> ones = torch.ones(3, 1, dtype=torch.float64)
        >>> torch.equal(weights.product(ones), weights.dense() @ ones)
        True
    """

    def __init__(self, pairs: Pairs, rate: float, log_sums: Tensor) -> None:
        self.shard = pairs.shard
        self.rate = rate
        self.log_sums = log_sums
        self._pairs = pairs

    @full_precision()
    def dense(self) -> Tensor:
        """This process's rows of the similarities `[n, N]`, float64; symmetric on one process."""
        own, num_rows = self.shard.own, self.shard.total
        weights = torch.empty(own.stop - own.start, num_rows, dtype=torch.float64, device=self.log_sums.device)
        for tile in self._pairs.tiles():
            block = self._of_tile(tile)
            weights[tile.rows.start - own.start : tile.rows.stop - own.start, tile.columns] = block
            if tile.mirrored:
                weights[tile.columns, tile.rows] = block.T
        return weights

    @full_precision()
    def product(self, x: Tensor) -> Tensor:
        """This process's rows of `w @ x` `[n, D]`, from the values of all rows `[N, D]`; in the dtype of x.

        One pass over the pairs, without a gradient.
        """

        def work(tile: Tile, buffers: Buffers) -> tuple[Tensor, Tensor | None]:
            block = self._of_tile(tile).to(x.dtype)
            return block @ x[tile.columns], block.T @ x[tile.rows] if tile.mirrored else None

        result = x.new_zeros(x.shape)
        for tile, (by_row, by_column) in self._pairs.each(work):
            result[tile.rows] += by_row
            if by_column is not None:
                result[tile.columns] += by_column
        return all_reduce(result, self.shard.group)[self.shard.own]

    def _of_tile(self, tile: Tile) -> Tensor:
        rows, columns, distances, _ = tile
        exponents = distances.double().mul_(-2 * self.rate).sub_(self.log_sums[rows, None]).sub_(self.log_sums[columns])
        weights = exponents.exp_().mul_(self.shard.total**2)
        # Both orders of a pair come from one product, whose two triangles may differ in the last digit.
        return weights.tril() + weights.tril(-1).T if rows == columns else weights


@full_precision()
def full_weights(
    features: Tensor,
    temperatures: Sequence[float],
    *,
    group: Group = None,
    memory_budget: int = MEMORY_BUDGET,
    tile_side: int | None = None,
) -> list[FullWeights]:
    """All similarities `w_ij = N² a_ij² / (r_i r_j)`, for each temperature; they share the distances.

    Args:
        features: This process's rows `[n, D]`.
        temperatures: T values.
        group: The processes that hold the other rows.
        memory_budget: Distances are kept for later passes where they fit so many bytes on every process.
        tile_side: As in `csl.pairwise.Streaming`.

    Raises:
        ValueError: If the features are no finite floating-point matrix, or a T is not positive.
        UndefinedSimilarityError: For fewer than two samples or collapsed features.

    Example:
        >>> (weights,) = full_weights(torch.tensor([[0.0], [1.0]]), [0.1])
        >>> weights.dense().round(decimals=3)
        tensor([[0., 4.],
                [4., 0.]], dtype=torch.float64)
        >>> weights.product(torch.tensor([[1.0], [2.0]])).round(decimals=3)
        tensor([[8.],
                [4.]])
    """
    # Kept by the graph for its life: an inference tensor among them could not take part in training.
    with torch.inference_mode(False):
        features = features.clone() if features.is_inference() else features
        check_features(features, group)
        shard = Shard.of(len(features), group)
        pairs = Pairs(features, shard, memory_budget=memory_budget, tile_side=tile_side)
        return [FullWeights(pairs, *log) for log in rates_and_log_sums(pairs, temperatures)]
