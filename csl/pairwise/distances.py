"""Euclidean distances of one tile: a float32 product, mended where it has no digits left."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from csl.pairwise.precision import add_product
from csl.pairwise.streaming import Precision

NEAR = 1e-3  # pairs with d² below this share of ‖x‖² + ‖y‖² have lost digits in a float32 product
CROWDED = 1e-3  # share of near pairs above which a whole float64 product is cheaper than direct differences
_ZERO = 1e-13  # d² below this share of ‖x‖² + ‖y‖² is rounding in a float64 product: exact duplicates
_PAIRS = 16384  # pairs recomputed by direct differences at a time

Same = bool | tuple[Tensor, Tensor]


class Distances(NamedTuple):
    """How far apart samples are, in units of the tiles.

    Attributes:
        mean: Mean distance over all pairs, float64 scalar; NaN for fewer than two samples.
        nearest: Each sample's distance to its nearest neighbour, float32.
    """

    mean: Tensor
    nearest: Tensor


def distances(
    x: Tensor,
    y: Tensor,
    xx: Tensor,
    yy: Tensor,
    *,
    same: Same = False,
    precision: Precision = "ieee",
    out: Tensor | None = None,
) -> Tensor:
    """`‖x_i − y_j‖` for two blocks of centred rows, float32 `[m, n]`.

    A product `xx + yy − 2 x·y` in float32 loses the digits of small distances. Pairs nearer than `NEAR` are therefore
    recomputed from direct differences; a tile crowded with them is redone as a float64 product.

    Args:
        x: Rows `[m, D]`, float32, shifted to their common middle.
        y: Columns `[n, D]`, float32, shifted likewise.
        xx: Squared norms of the rows `[m]`, float64.
        yy: Squared norms of the columns `[n]`, float64.
        same: Whether x and y are the same rows, or which rows are the same samples as which columns, two tensors of
            positions. A sample's distance to itself is infinite, so that it is nobody's neighbour and its kernel
            exp(−d) is 0.
        precision: What the rows have been rounded to, and so how they may be multiplied.
        out: Where to write the distances `[m, n]`, float32; a new tensor if None.

    Example:
        >>> x = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
        >>> squares = x.double().square().sum(1)
        >>> distances(x, x, squares, squares, same=True)
        tensor([[inf, 5.],
                [5., inf]])
    """
    return squared_distances(x, y, xx, yy, same=same, precision=precision, out=out).sqrt_()


def squared_distances(
    x: Tensor,
    y: Tensor,
    xx: Tensor,
    yy: Tensor,
    *,
    same: Same = False,
    precision: Precision = "ieee",
    out: Tensor | None = None,
) -> Tensor:
    """`‖x_i − y_j‖²`, with the arguments and the digits of `distances`."""
    rows, columns = xx.float()[:, None], yy.float()
    squared = add_product(torch.add(rows, columns, out=out), x, y, -2, precision)
    _leave_out(squared, same)
    # The largest column norm gives a bound that one reduction can check; most tiles of most data end here.
    if bool((squared.amin(dim=1) >= NEAR * (rows[:, 0] + columns.amax())).all()):
        return squared
    near = squared < NEAR * (rows + columns)
    if int(near.sum()) > CROWDED * near.numel():
        return _in_float64(x, y, xx, yy, same, squared)
    for i, j in _pairs(near):
        squared[i, j] = (x[i] - y[j]).square().sum(dim=1)
    return squared


def _leave_out(squared: Tensor, same: Same) -> None:
    if isinstance(same, tuple):
        squared[same] = math.inf
    elif same:
        squared.fill_diagonal_(math.inf)


def _pairs(mask: Tensor) -> list[tuple[Tensor, Tensor]]:
    i, j = mask.nonzero(as_tuple=True)
    return list(zip(torch.split(i, _PAIRS), torch.split(j, _PAIRS), strict=True))


def _in_float64(x: Tensor, y: Tensor, xx: Tensor, yy: Tensor, same: Same, out: Tensor) -> Tensor:
    size = xx[:, None] + yy
    squared = torch.addmm(size, x.double(), y.double().T, alpha=-2)
    squared.masked_fill_(squared < _ZERO * size, 0.0)
    _leave_out(squared, same)
    return out.copy_(squared)
