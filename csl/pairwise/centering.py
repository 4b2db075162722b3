"""Rows on a common footing: shifted to their middle, divided by their largest entry, in float32."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from csl.distributed import Group, all_reduce, gather_rows, rank, row_counts
from csl.pairwise.blocks import blocks
from csl.pairwise.precision import round_to
from csl.pairwise.streaming import Precision

_ROWS = 256  # rows converted at a time: no float64 copy of all features exists, and the part stays in cache
_SAMPLED = 1024  # rows from which the middle of all is found


class Centered(NamedTuple):
    """This process's rows, ready for products.

    Attributes:
        values: `(x − middle) / unit` `[n, D]`, float32.
        squares: The squared norm of each of these rows `[n]`, float64.
        unit: Length of one unit of `values` in the units of the features.
        norm: Root-mean-square norm of the features themselves, before shifting, in units of `unit`.
        precision: What `values` are rounded to.
    """

    values: Tensor
    squares: Tensor
    unit: float
    norm: float
    precision: Precision = "ieee"

    def part(self, rows: slice) -> "Centered":
        """Some of the rows."""
        return self._replace(values=self.values[rows], squares=self.squares[rows])


def center(
    features: Tensor, *, group: Group = None, order: Tensor | None = None, precision: Precision = "ieee"
) -> Centered:
    """Shift the rows `[n, D]` to the middle of the group's rows and divide them by the largest entry.

    Far from the origin the digits of a float32 product go into the offset, hence the shift. The middle is a median of
    every coordinate: one sample far away would draw a mean away from all others, and take their digits. The division
    keeps the squares of very large or very small features within float32. Neither changes a ratio of distances.

    Args:
        features: This process's finite rows `[n, D]`.
        group: The processes that hold the other rows.
        order: Rows are taken in this order `[n]`; as they come if None.
        precision: What to round the rows to.

    Raises:
        ValueError: If there is no such precision.
    """
    count, dimension = features.shape
    largest = torch.zeros((), dtype=torch.float64, device=features.device)
    if features.numel():
        lowest, highest = features.aminmax()
        largest = torch.maximum(-lowest.double(), highest.double())
    unit = float(all_reduce(largest, group, "max")) or 1.0
    middle = _middle(features, group).div_(unit)
    sums = torch.zeros(2, dtype=torch.float64, device=features.device)
    sums[1] = count
    values = torch.empty(features.shape, dtype=torch.float32, device=features.device)
    squares = torch.empty(count, dtype=torch.float64, device=features.device)
    # The same memory for all parts: to ask for some, and touch it first, costs more than what is done with it.
    memory = torch.empty(min(count, _ROWS), dimension, dtype=torch.float64, device=features.device)
    for part in blocks(count, _ROWS):
        rows = memory[: part.stop - part.start].copy_(features[part if order is None else order[part]]).div_(unit)
        sums[0] += torch.linalg.vector_norm(rows).square()
        values[part] = round_to(rows.sub_(middle).float(), precision)
        torch.sum(rows.copy_(values[part]).square_(), dim=1, out=squares[part])
    total, number = all_reduce(sums, group).tolist()
    return Centered(values, squares, unit, math.sqrt(total / max(1, number)), precision)


def _middle(features: Tensor, group: Group) -> Tensor:
    """A median of each coordinate `[D]`, float64, of some of the group's rows, the same on any number of processes."""
    counts = row_counts(len(features), group)
    step = max(1, -(-sum(counts) // _SAMPLED))
    chosen = [range(-start % step, count, step) for start, count in zip(_starts(counts), counts, strict=True)]
    own = chosen[rank(group)]
    some = gather_rows(features[own.start :: step].double(), group, [len(rows) for rows in chosen])
    return some.median(dim=0).values if len(some) else some.new_zeros(features.shape[1])


def _starts(counts: list[int]) -> list[int]:
    return [sum(counts[:number]) for number in range(len(counts))]
