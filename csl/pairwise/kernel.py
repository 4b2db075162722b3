"""The kernel a = exp(−d / (mu T)) of several temperatures, in float32, relative to distances that keep it in range."""

import math
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from importlib.util import find_spec
from itertools import pairwise
from types import ModuleType
from typing import NamedTuple

import torch
from torch import Tensor

from csl.pairwise.tiles import Tile
from csl.pairwise.workers import Buffers

# A row whose nearest neighbour's kernel is above exp(−20) needs no reference: its largest square is above exp(−40),
# and what underflows in float32 is below exp(−47) of it.
FAINTEST = 20.0
_LOG2_E = math.log2(math.e)  # 2^x takes half the time of exp(x) on CPUs
_CHEAP_POWERS = (2, 3, 4, 5, 6, 8)  # at most three products, which cost less than another exponential


class Kernel(NamedTuple):
    """`a_ij = exp(−rate d_ij)` of one temperature, or where that could underflow `exp(−rate (d_ij − reference_i))`.

    Attributes:
        rate: `1 / (mu T)`.
        offset: Each row's `rate · reference` as an exponent of 2 `[N]`, float32; None where no row needs one. The
            reference is the row's nearest neighbour, so that it does not underflow, however far out it lies and
            however small T is.
    """

    rate: float
    offset: Tensor | None

    @classmethod
    def around(cls, nearest: Tensor, rate: float) -> "Kernel":
        """A kernel that keeps rows with these nearest distances `[N]` in range."""
        if float(nearest.amax()) * rate <= FAINTEST:
            return cls(rate, None)
        return cls(rate, (nearest.double() * (rate * _LOG2_E)).float())

    def log(self, sums: Tensor) -> Tensor:
        """The logarithm of row sums `[N]` of `exp(−rate d)`, from those of `a`."""
        return sums.log() if self.offset is None else sums.log() - self.offset.double() * math.log(2)


def tile_sums(kernels: Sequence[Kernel], tile: Tile, buffers: Buffers) -> tuple[Tensor, Tensor]:
    """Each kernel's sums over the tile's columns `[K, rows]` and over its rows `[K, columns]`, float64.

    Args:
        kernels: Of several temperatures, K of them.
        tile: Distances.
        buffers: Two of the tile's shape, to be written to.
    """
    if fused := _fused(tile.distances.device):
        by_row, by_column = _fused_moments(fused, kernels, tile, 1)
        return by_row[:, 0], by_column[:, 0]
    sums = _Sums.of(tile, len(kernels))
    for index, values, _ in _plain(kernels, tile, buffers, times=1):
        sums.add(values, values, index)
    for index, rate, offset in _offset(kernels):
        by_row = _exponential(offset[tile.rows, None], tile, rate, buffers[0])
        by_column = _exponential(offset[tile.columns], tile, rate, buffers[1])
        sums.add(by_row, by_column, index)
    return sums.by_row.double(), sums.by_column.double()


def tile_moments(kernels: Sequence[Kernel], tile: Tile, buffers: Buffers) -> tuple[Tensor, Tensor]:
    """As `tile_sums` for kernels that need no reference, of a, a d and a d²: `[K, 3, rows]` and `[K, 3, columns]`."""
    if fused := _fused(tile.distances.device):
        return _fused_moments(fused, kernels, tile, 3)
    sums = _Sums.of(tile, len(kernels), 3)
    for index, values, spare in _plain(kernels, tile, buffers, times=1):
        sums.add(values, values, index, 0)
        for power, factor in enumerate((values, spare), start=1):
            torch.mul(factor, tile.distances, out=spare)
            if not tile.mirrored:
                spare.fill_diagonal_(0)  # from a sample to itself a is 0 and d infinite
            sums.add(spare, spare, index, power)
    return sums.by_row.double(), sums.by_column.double()


def tile_run_sums(
    kernels: Sequence[Kernel], tile: Tile, buffers: Buffers, weights: Tensor, edges: Sequence[int]
) -> Tensor:
    """`Σ_j a_ij a_ji weight_j` of each kernel over each run of the tile's columns `[K, S, rows]`, float32.

    Args:
        kernels: Of several temperatures, K of them.
        tile: Distances.
        buffers: As in `tile_sums`.
        weights: Of the columns, for each kernel `[K, columns]`, float32.
        edges: Where the S runs begin, and where the last one ends.
    """
    if fused := _fused(tile.distances.device):
        rates, offsets = _in_tensors(kernels, tile)
        found: Tensor = fused.weighted_runs(
            tile.distances, rates, offsets, weights, _tensor(tuple(edges), weights.device)
        )
        return found
    sums = tile.distances.new_empty(len(kernels), len(edges) - 1, len(tile.distances))
    for place, squares in tile_squares(kernels, tile, buffers):
        for run, (start, stop) in enumerate(pairwise(edges)):
            torch.mv(squares[:, start:stop], weights[place, start:stop], out=sums[place, run])
    return sums


def tile_squares(kernels: Sequence[Kernel], tile: Tile, buffers: Buffers) -> Iterator[tuple[int, Tensor]]:
    """For each kernel, its number and `a_ij a_ji` of the tile, the numerator of w, until the next is asked for."""
    for index, values, _ in _plain(kernels, tile, buffers, times=2):
        yield index, values
    for index, rate, offset in _offset(kernels):
        both = torch.add(offset[tile.rows, None], offset[tile.columns], out=buffers[1])
        yield index, _exponential(both, tile, 2 * rate, buffers[0])


def _plain(kernels: Sequence[Kernel], tile: Tile, buffers: Buffers, times: int) -> Iterator[tuple[int, Tensor, Tensor]]:
    """`exp(−times · rate · d)` for the kernels without offsets, as a power of the one before where that is cheap.

    Number and values of each kernel, and a buffer that is free until the next is asked for.
    """
    values, spare = buffers
    before = 0.0
    for rate, index in sorted((kernel.rate, i) for i, kernel in enumerate(kernels) if kernel.offset is None):
        if power := _cheap_power(before, rate):
            values, spare = _raise(values, power, spare)
        else:
            torch.mul(tile.distances, -times * rate * _LOG2_E, out=values).exp2_()
        before = rate
        yield index, values, spare


def _offset(kernels: Sequence[Kernel]) -> Iterator[tuple[int, float, Tensor]]:
    """Number, rate and offset of each kernel that has one."""
    for index, (rate, offset) in enumerate(kernels):
        if offset is not None:
            yield index, rate, offset


def _exponential(offsets: Tensor, tile: Tile, rate: float, out: Tensor) -> Tensor:
    return torch.add(offsets, tile.distances, alpha=-rate * _LOG2_E, out=out).exp2_()


@cache
def _fused(device: torch.device) -> ModuleType | None:
    """`csl.pairwise.fused` on a GPU for which Triton can build it; None elsewhere."""
    if device.type != "cuda" or find_spec("triton") is None:
        return None
    from csl.pairwise import fused

    return fused if fused.works(device) else None


def _fused_moments(fused: ModuleType, kernels: Sequence[Kernel], tile: Tile, powers: int) -> tuple[Tensor, Tensor]:
    """Sums of a d^p over the tile's columns `[K, powers, rows]` and over its rows `[K, powers, columns]`, float64."""
    rates, offsets = _in_tensors(kernels, tile)
    by_row, by_column = offsets or (None, None)
    return (
        fused.moments(tile.distances, rates, by_row, powers, dim=1).double(),
        fused.moments(tile.distances, rates, by_column, powers, dim=0).double(),
    )


def _in_tensors(kernels: Sequence[Kernel], tile: Tile) -> tuple[Tensor, tuple[Tensor, Tensor] | None]:
    """The factors of the distances in the exponents of 2 `[K]`, and what is added by row and by column, if anything."""
    device = tile.distances.device
    rates = _tensor(tuple(-kernel.rate * _LOG2_E for kernel in kernels), device).float()
    if all(kernel.offset is None for kernel in kernels):
        return rates, None
    parts = [tile.rows, tile.columns]
    none = [torch.zeros(part.stop - part.start, device=device) for part in parts]
    by_row, by_column = (
        torch.stack([zero if kernel.offset is None else kernel.offset[part] for kernel in kernels])
        for part, zero in zip(parts, none, strict=True)
    )
    return rates, (by_row, by_column)


@lru_cache(maxsize=1024)
def _tensor(values: tuple[float, ...], device: torch.device) -> Tensor:
    """Numbers on a device, which is waited for once and not for every tile."""
    return torch.tensor(values, device=device)


class _Sums(NamedTuple):
    """Sums over a tile, float32.

    Attributes:
        by_row: Over its columns `[..., rows]`.
        by_column: Over its rows `[..., columns]`.
        ones: What sums a column, in a product: on CPUs that takes half the time of `sum(dim=0)`.
    """

    by_row: Tensor
    by_column: Tensor
    ones: Tensor

    @classmethod
    def of(cls, tile: Tile, *shape: int) -> "_Sums":
        rows, columns = tile.distances.shape
        new = tile.distances.new_empty
        return cls(new(*shape, rows), new(*shape, columns), tile.distances.new_ones(rows))

    def add(self, for_rows: Tensor, for_columns: Tensor, *place: int) -> None:
        """Sum each row of one matrix and each column of another, and put that in a place."""
        torch.sum(for_rows, dim=1, out=self.by_row[place])
        torch.mv(for_columns.T, self.ones, out=self.by_column[place])


def _cheap_power(before: float, rate: float) -> int:
    """The cheap power of `exp(−before d)` that `exp(−rate d)` is, or 0."""
    power = round(rate / before) if before else 0
    return power if power in _CHEAP_POWERS and math.isclose(rate, power * before, rel_tol=1e-12) else 0


def _raise(values: Tensor, power: int, spare: Tensor) -> Buffers:
    """`values ** power` for a power of at least 2, and a buffer to spare."""
    torch.mul(values, values, out=spare)
    for place, digit in enumerate(f"{power:b}"[1:]):
        if place:
            spare.square_()
        if digit == "1":
            spare.mul_(values)
    return spare, values
