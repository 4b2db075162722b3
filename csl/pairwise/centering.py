"""Rows on a common footing: shifted to their mean, divided by their largest entry, in float32."""

from typing import NamedTuple

import torch
from torch import Tensor

from csl.distributed import Group, all_reduce
from csl.pairwise.blocks import blocks
from csl.pairwise.precision import round_to
from csl.pairwise.streaming import Precision

_ROWS = 256  # rows converted at a time: no float64 copy of all features exists, and the part stays in cache


class Centered(NamedTuple):
    """This process's rows, ready for products.

    Attributes:
        values: `(x − mean) / unit` `[n, D]`, float32.
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
    """Shift the rows `[n, D]` to the mean of the group's rows and divide them by the largest entry.

    Far from the origin the digits of a float32 product go into the offset, hence the shift; the division keeps the
    squares of very large or very small features within float32. Neither changes a ratio of distances.

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
    sums = torch.zeros(dimension + 2, dtype=torch.float64, device=features.device)
    sums[-1] = count
    # The same memory for all parts: to ask for some, and touch it first, costs more than what is done with it.
    memory = torch.empty(min(count, _ROWS), dimension, dtype=torch.float64, device=features.device)
    for part in blocks(count, _ROWS):
        rows = memory[: part.stop - part.start].copy_(features[part]).div_(unit)
        sums[:dimension] += rows.new_ones(len(rows)) @ rows
        sums[-2] += torch.linalg.vector_norm(rows).square()
    sums = all_reduce(sums, group)
    total = sums[-1].clamp(min=1)
    mean, norm = sums[:dimension] / total, float((sums[-2] / total).sqrt())
    values = torch.empty(features.shape, dtype=torch.float32, device=features.device)
    squares = torch.empty(count, dtype=torch.float64, device=features.device)
    for part in blocks(count, _ROWS):
        rows = memory[: part.stop - part.start].copy_(features[part if order is None else order[part]])
        values[part] = round_to(rows.div_(unit).sub_(mean).float(), precision)
        torch.sum(rows.copy_(values[part]).square_(), dim=1, out=squares[part])
    return Centered(values, squares, unit, norm, precision)
