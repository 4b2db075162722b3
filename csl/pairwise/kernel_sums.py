"""The kernels of several temperatures and their row sums, in as few passes over the pairs as they take.

The kernel's rate is 1 / (mu T), and mu needs a pass of its own. Where each pass has to multiply the features again, the
sums are taken in that very pass, at a guess of mu, and carried over to the measured one.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from csl.distributed import all_reduce
from csl.pairwise.checks import check_temperatures
from csl.pairwise.distances import Distances
from csl.pairwise.kernel import Kernel, tile_moments
from csl.pairwise.pairs import COLLAPSED, Pairs
from csl.pairwise.row_sums import row_sums
from csl.pairwise.some_rows import SomeRows
from csl.pairwise.tiles import Tile

_SAMPLE = 512  # rows the guess is made from: within about 0.1 % of mu
_TOLERANCE = 1e-7  # what carrying a sum over may change of it; float32 kernels are no more exact


def kernels_with_sums(pairs: Pairs, temperatures: Sequence[float]) -> tuple[list[Kernel], Tensor]:
    """Each temperature's kernel and its sums over each row, relative to the kernel's reference, float64 `[T, N]`.

    Raises:
        ValueError: If a temperature is not positive.
        UndefinedSimilarityError: For fewer than two samples or collapsed features.
    """
    values = check_temperatures(temperatures)
    ahead = {} if pairs.keeps else _taken_ahead(pairs, values)
    kernels = [Kernel.around(pairs.distances.nearest, 1 / (pairs.scale * value)) for value in values]
    sums = {index: found for index in ahead if (found := ahead[index].carried_over(kernels[index])) is not None}
    late = [index for index in range(len(kernels)) if index not in sums]
    if late:
        pairs.passes += bool(ahead)
        sums |= zip(late, row_sums(pairs, [kernels[index] for index in late]), strict=True)
    return kernels, torch.stack([sums[index] for index in range(len(kernels))])


class _Moments(NamedTuple):
    """Sums over each row of the kernel at a guess of its rate.

    Attributes:
        rate: The guess.
        sums: `Σ_j a_ij d_ij^p` for p = 0, 1, 2 `[3, N]`, float64.
        reach: No two samples are further apart.
    """

    rate: float
    sums: Tensor
    reach: float

    def carried_over(self, kernel: Kernel) -> Tensor | None:
        """Row sums of the kernel at its true rate `[N]`, or None where the guess was too far off for that.

        The first two derivatives of log Σ exp(−rate d) by the rate are the mean and the variance of d, weighted by the
        kernel; the third is no larger than the variance times the largest distance.
        """
        if kernel.offset is not None:
            return None
        zeroth, first, second = self.sums
        step = kernel.rate - self.rate
        mean = first / zeroth
        variance = (second / zeroth - mean.square()).clamp(min=0)
        between = math.exp(min(abs(step) * self.reach, 100.0))  # how much the weights change on the way
        if not bool((variance * (abs(step) ** 3 / 6 * self.reach * between) < _TOLERANCE).all()):
            return None
        carried: Tensor = zeroth * (variance * (step**2 / 2) - mean * step).exp()
        return carried


def _taken_ahead(pairs: Pairs, temperatures: Sequence[float]) -> dict[int, _Moments]:
    """The sums of those temperatures' kernels that promise to need no reference, from the pass that measures mu."""
    mean, nearest = _guess(pairs)
    if not float(mean) > COLLAPSED * pairs.own.norm:
        return {}
    guesses = {index: Kernel.around(nearest, 1 / (float(mean) * value)) for index, value in enumerate(temperatures)}
    guesses = {index: kernel for index, kernel in guesses.items() if kernel.offset is None}
    if not guesses:
        return {}
    pairs.passes -= 1
    moments = torch.zeros(len(guesses), 3, pairs.num_rows, dtype=torch.float64, device=pairs.device)

    def add(tile: Tile) -> None:
        for place, by_row, by_column in tile_moments(list(guesses.values()), tile, pairs.scratch(tile)):
            moments[place, :, tile.rows] += by_row
            if tile.mirrored:
                moments[place, :, tile.columns] += by_column

    pairs.measure(add)
    reach = 2 * float(all_reduce(_largest(pairs.own.squares), pairs.group, "max").sqrt())
    every = all_reduce(moments, pairs.group)
    return {index: _Moments(guesses[index].rate, sums, reach) for index, sums in zip(guesses, every, strict=True)}


def _largest(values: Tensor) -> Tensor:
    return values.amax() if len(values) else values.new_zeros(())


def _guess(pairs: Pairs) -> Distances:
    """The mean distance from evenly spaced rows, and how near the nearest neighbours of those are."""
    every = max(1, pairs.num_rows // _SAMPLE)
    rows = torch.arange(every // 2, pairs.num_rows, every, device=pairs.device)
    return SomeRows(pairs.own, pairs.group).distances(rows, torch.ones_like(rows))
