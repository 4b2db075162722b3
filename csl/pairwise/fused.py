"""Sums over a tile on a GPU, read once for each direction instead of once for every small step.

Plain operations write a tile and read it back some thirty times, which takes three times as long as the product that
made it. Here a program takes some of its rows, computes the kernel of each entry and adds it up.
"""

from functools import cache

import torch
import triton
import triton.language as tl
from torch import Tensor

_ROWS, _COLUMNS = 32, 64  # of a program's piece of the tile


def moments(distances: Tensor, rates: Tensor, offsets: Tensor | None, powers: int, dim: int) -> Tensor:
    """`Σ 2^(offset + rate d) d^p` over one dimension, for p = 0 to powers − 1; infinite distances count as 0.

    Args:
        distances: A tile `[m, n]`, float32.
        rates: The factor of the distance in the exponent, negative, for each of K kernels `[K]`, float32.
        offsets: An exponent of 2 to add for each kernel and entry of the result `[K, m]` or `[K, n]`; None for 0.
        powers: 1 or 3.
        dim: 1 sums over the columns, 0 over the rows.

    Returns:
        `[K, powers, m]` or `[K, powers, n]`, float32.
    """
    count, across = distances.shape[1 - dim], distances.shape[dim]
    out = distances.new_empty(len(rates), powers, count)
    _moments[len(rates), triton.cdiv(count, _ROWS)](
        *(distances, rates, rates if offsets is None else offsets, out),
        *(count, across, distances.stride(1 - dim), distances.stride(dim)),
        POWERS=powers,
        OFFSET=offsets is not None,
        ROWS=_ROWS,
        COLUMNS=_COLUMNS,
    )
    return out


def weighted_runs(
    distances: Tensor, rates: Tensor, offsets: tuple[Tensor, Tensor] | None, weights: Tensor, edges: Tensor
) -> Tensor:
    """`Σ_j 2^(offset_i + offset_j + 2 rate d_ij) weight_j` over each run of columns.

    Args:
        distances: A tile `[m, n]`, float32.
        rates: As in `moments` `[K]`.
        offsets: Exponents of 2 to add, by row `[K, m]` and by column `[K, n]`; None for 0.
        weights: Of the columns `[K, n]`, float32.
        edges: Where the S runs begin, and where the last one ends `[S + 1]`, int64.

    Returns:
        `[K, S, m]`, float32.
    """
    rows, columns = distances.shape
    out = distances.new_empty(len(rates), len(edges) - 1, rows)
    by_row, by_column = offsets or (rates, rates)
    _weighted_runs[len(rates), triton.cdiv(rows, _ROWS)](
        *(distances, rates, by_row, by_column, weights, edges, out),
        *(rows, columns, len(edges) - 1),
        OFFSET=offsets is not None,
        ROWS=_ROWS,
        COLUMNS=_COLUMNS,
    )
    return out


@cache
def works(device: torch.device) -> bool:
    """Whether a kernel can be built and started here, which takes a C compiler, and computes what it should."""
    try:
        found = moments(torch.ones(2, 3, device=device), torch.full((1,), -1.0, device=device), None, 1, dim=1)
    except Exception:  # a missing compiler, an old device: whatever it is, plain operations do without
        return False
    return found.tolist() == [[[1.5, 1.5]]]


@triton.jit  # type: ignore[untyped-decorator]
def _moments(  # type: ignore[no-untyped-def]
    distances,
    rates,
    offsets,
    out,
    count,
    across,
    stride,
    step,
    POWERS: tl.constexpr,
    OFFSET: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    """One kernel's moments of some of the rows, or of the columns where `stride` and `step` are exchanged."""
    kernel = tl.program_id(0)
    rows = tl.program_id(1) * ROWS + tl.arange(0, ROWS)
    inside = rows < count
    rate = tl.load(rates + kernel)
    start = distances + rows.to(tl.int64) * stride
    offset = tl.zeros((ROWS,), tl.float32)
    if OFFSET:
        offset = tl.load(offsets + kernel * count + rows, mask=inside, other=0.0)
    zeroth = tl.zeros((ROWS, COLUMNS), tl.float32)
    first = tl.zeros((ROWS, COLUMNS), tl.float32)
    second = tl.zeros((ROWS, COLUMNS), tl.float32)
    for begin in range(0, across, COLUMNS):
        columns = begin + tl.arange(0, COLUMNS)
        seen = inside[:, None] & (columns < across)[None, :]
        place = start[:, None] + columns.to(tl.int64)[None, :] * step
        distance = tl.load(place, mask=seen, other=float("inf"))
        value = tl.exp2(offset[:, None] + rate * distance)
        zeroth += value
        if POWERS == 3:
            finite = tl.where(distance < float("inf"), distance, 0.0)
            first += value * finite
            second += value * finite * finite
    here = out + kernel * POWERS * count + rows
    tl.store(here, tl.sum(zeroth, axis=1), mask=inside)
    if POWERS == 3:
        tl.store(here + count, tl.sum(first, axis=1), mask=inside)
        tl.store(here + 2 * count, tl.sum(second, axis=1), mask=inside)


@triton.jit  # type: ignore[untyped-decorator]
def _weighted_runs(  # type: ignore[no-untyped-def]
    distances,
    rates,
    by_row,
    by_column,
    weights,
    edges,
    out,
    count,
    across,
    runs,
    OFFSET: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    """One kernel's sums of some of the rows over each run of columns."""
    kernel = tl.program_id(0)
    rows = tl.program_id(1) * ROWS + tl.arange(0, ROWS)
    inside = rows < count
    rate = 2 * tl.load(rates + kernel)
    start = distances + rows.to(tl.int64) * across
    offset = tl.zeros((ROWS,), tl.float32)
    if OFFSET:
        offset = tl.load(by_row + kernel * count + rows, mask=inside, other=0.0)
    for run in range(0, runs):
        total = tl.zeros((ROWS, COLUMNS), tl.float32)
        end = tl.load(edges + run + 1)
        for begin in range(tl.load(edges + run), end, COLUMNS):
            columns = begin + tl.arange(0, COLUMNS)
            there = columns < end
            seen = inside[:, None] & there[None, :]
            distance = tl.load(start[:, None] + columns[None, :], mask=seen, other=float("inf"))
            exponent = offset[:, None] + rate * distance
            if OFFSET:
                exponent += tl.load(by_column + kernel * across + columns, mask=there, other=0.0)[None, :]
            weight = tl.load(weights + kernel * across + columns, mask=there, other=0.0)
            total += tl.exp2(exponent) * weight[None, :]
        tl.store(out + (kernel * runs + run) * count + rows, tl.sum(total, axis=1), mask=inside)
