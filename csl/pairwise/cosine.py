"""The most similar keys of each query, by cosine."""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

from csl.distributed import Group, Shard, all_reduce, ring
from csl.pairwise.blocks import blocks
from csl.pairwise.checks import check_features, check_neighbors
from csl.pairwise.distances import squared_distances
from csl.pairwise.precision import full_precision
from csl.pairwise.top import TopColumns
from csl.pairwise.workers import Memory, with_memory, worker_count

_SIDE = 1024  # queries and keys of a tile
_ROWS = 1024  # rows converted to float64 at a time
_TINY = 1e-150  # shorter vectors than this count as zero


def top_cosine(
    queries: Tensor,
    keys: Tensor,
    k: int,
    *,
    group: Group = None,
    exclude: Tensor | None = None,
    tile_side: int = _SIDE,
) -> tuple[Tensor, Tensor]:
    """The k keys of the group with the highest cosine similarity to each query of this process.

    They are those at the smallest distance between vectors of length 1, `cos = 1 − d² / 2`, which keeps its digits
    where all similarities are nearly 1, as in tight clumps and far from the origin.

    Args:
        queries: This process's queries `[q, D]`; each process may have any number.
        keys: This process's share of the keys `[n, D]`.
        k: How many keys, 1 to the number there are.
        group: The processes that hold the other keys.
        exclude: One global key row a query `[q]` to leave out, such as the query itself.
        tile_side: How many queries and keys are worked on at a time.

    Returns:
        Similarities `[q, k]`, float64, descending, and the global key rows `[q, k]` they belong to, int64; of equal
        ones the lower key row comes first. A vector of zeros has similarity 0 to everything.

    Raises:
        ValueError: If queries or keys are no finite floating-point matrix, or k is out of range.

    Example:
        >>> keys = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0]])
        >>> top_cosine(torch.tensor([[1.0, 0.1]]), keys, 2)[1]
        tensor([[0, 2]])
    """
    check_features(queries, group, "queries")
    check_features(keys, group, "keys")
    return CosineKeys(keys, Shard.of(len(keys), group), tile_side).top(queries, k, exclude)


class CosineKeys:
    """Keys made ready for any number of calls of `top`, which finds what `top_cosine` finds.

    Args:
        keys: This process's share of the keys `[n, D]`, checked: finite.
        shard: Which of the keys these are; None for all of one process.
        tile_side: How many queries and keys are worked on at a time.

    Example:
        >>> keys = CosineKeys(torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0]]))
        >>> keys.top(torch.tensor([[1.0, 0.1]]), 2)[1]
        tensor([[0, 2]])
    """

    @full_precision()
    def __init__(self, keys: Tensor, shard: Shard | None = None, tile_side: int = _SIDE) -> None:
        self.shard, self._side = shard or Shard.of(len(keys)), tile_side
        self._mean = _mean_direction(keys, self.shard)
        self._own = _Directions.of(keys, self._mean)

    @full_precision()
    def top(self, queries: Tensor, k: int, exclude: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Similarities and global key rows `[q, k]` of finite queries `[q, D]`, as `top_cosine` returns them."""
        check_neighbors(k, self.shard.total - (exclude is not None))
        best = TopColumns(len(queries), k, queries.device)
        search = partial(_search, best, _Directions.of(queries, self._mean), exclude)
        workers = worker_count(queries.device) if len(queries) * self.shard.total > self._side**2 else 1
        for _ in with_memory(search, self._parts(len(queries)), self._side**2, queries.device, workers):
            pass
        found = best.take()
        return 1 - found.costs.double(), found.columns

    def _parts(self, num_queries: int) -> Iterator["_Part"]:
        """Blocks of queries beside blocks of all processes' keys, which come round the ring."""
        for owner, visiting in ring(self._own, self.shard.group, counts=self.shard.counts):
            for columns in blocks(len(visiting[0]), self._side):
                theirs = _Directions(*(part[columns] for part in visiting))
                for rows in blocks(num_queries, self._side):
                    yield _Part(rows, self.shard.start_of(owner) + columns.start, theirs)


class _Directions(NamedTuple):
    """Rows of length 1 from a common point, ready for products.

    Attributes:
        values: The rows `[n, D]`, float32.
        squares: Their squared norms `[n]`, float64.
        zero: Which of them are vectors of zeros and so have no direction `[n]`.
    """

    values: Tensor
    squares: Tensor
    zero: Tensor

    @classmethod
    def of(cls, rows: Tensor, mean: Tensor) -> "_Directions":
        """The directions of rows `[n, D]`, from this point `[D]`."""
        values = torch.empty(rows.shape, dtype=torch.float32, device=rows.device)
        squares = torch.empty(len(rows), dtype=torch.float64, device=rows.device)
        zero = torch.empty(len(rows), dtype=torch.bool, device=rows.device)
        for part in blocks(len(rows), _ROWS):
            unit = _unit(rows[part])
            zero[part] = ~unit.any(dim=1)
            values[part] = (unit - mean).float()
            squares[part] = values[part].double().square().sum(dim=1)
        return cls(values, squares, zero)

    def part(self, rows: slice) -> "_Directions":
        """Some of them."""
        return _Directions(*(part[rows] for part in self))

    def missing(self, others: "_Directions", left_out: Tensor | None, out: Tensor) -> Tensor:
        """What similarities `[n, m]` lack to 1, 0 or more; infinite for one column a row to leave out."""
        same = False if left_out is None else _inside(left_out, len(others.zero))
        apart = squared_distances(self.values, others.values, self.squares, others.squares, same=same, out=out)
        missing = apart.mul_(0.5)
        if bool(self.zero.any() | others.zero.any()):
            missing.masked_fill_((self.zero[:, None] | others.zero) & missing.isfinite(), 1.0)
        return missing


class _Part(NamedTuple):
    """Some queries beside some keys.

    Attributes:
        rows: The queries.
        first_key: The global row of the first of the keys.
        keys: Their directions.
    """

    rows: slice
    first_key: int
    keys: _Directions


def _search(best: TopColumns, queries: _Directions, exclude: Tensor | None, part: _Part, memory: Memory) -> None:
    """Add what these keys are to these queries to the best."""
    rows, first, keys = part
    own = queries.part(rows)
    left_out = None if exclude is None else exclude[rows].to(own.zero.device) - first
    best.add(rows, first, own.missing(keys, left_out, memory.tile((len(own.zero), len(keys.zero)))))


def _mean_direction(keys: Tensor, shard: Shard) -> Tensor:
    """The mean over the group's keys scaled to length 1 `[D]`, float64."""
    sums = torch.zeros(keys.shape[1], dtype=torch.float64, device=keys.device)
    for part in blocks(len(keys), _ROWS):
        sums += _unit(keys[part]).sum(dim=0)
    return all_reduce(sums, shard.group) / max(1, shard.total)


def _unit(rows: Tensor) -> Tensor:
    """Rows of length 1, in float64, in which no float32 row over- or underflows."""
    return normalize(rows.double(), dim=1, eps=_TINY)


def _inside(columns: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The rows whose column `[n]` is one of so many, and these columns."""
    rows = ((columns >= 0) & (columns < count)).nonzero()[:, 0]
    return rows, columns[rows]
