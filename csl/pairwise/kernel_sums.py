"""The kernels of several temperatures and their row sums, in as few passes over the pairs as they take.

The kernel's rate is 1 / (mu T), and mu needs a pass of its own. Where each pass has to multiply the features again, the
sums are taken in that very pass, at a guess of mu, and carried over to the measured one.
"""

import math
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from csl.distributed import all_reduce, any_process, on_any_process
from csl.pairwise.checks import check_temperatures
from csl.pairwise.kernel import FAINTEST, Kernel, tile_moments, tile_sums
from csl.pairwise.pairs import COLLAPSED, Pairs
from csl.pairwise.some_rows import SIDE, SomeRows
from csl.pairwise.tiles import Tile

_SAMPLE = 512  # at most so many rows make the guess; for ordinary features it is within about 0.1 % of mu
_SLACK = 1.01  # by which the mean distance may differ from its guess
_TOLERANCE = 1e-7  # what carrying a sum over may change of it; float32 kernels are no more exact


def kernels_with_sums(pairs: Pairs, temperatures: Sequence[float], *, then: int = 0) -> tuple[list[Kernel], Tensor]:
    """Each temperature's kernel and its sums over each row, relative to the kernel's reference, float64 `[T, N]`.

    Where an earlier measurement of these pairs has found the mean distance, that takes one pass.

    Args:
        pairs: The pairs of the samples.
        temperatures: T values.
        then: How many passes the caller makes afterwards, so that progress can be told.

    Raises:
        ValueError: If a temperature is not positive.
        UndefinedSimilarityError: For fewer than two samples or collapsed features.
    """
    values = check_temperatures(temperatures)
    moments: dict[int, _Moments] = {}
    if pairs.knows_mean:
        pairs.count.expect(1 + then)
    else:
        # Where distances are kept, a further pass over them needs no product and is as cheap.
        guess = _Guess(_root_mean_square(pairs), {}) if pairs.keeps else _guessed(pairs, values)
        pairs.count.expect((1 if guess.kernels else 2) + then)
        moments = _measured_with_moments(pairs, guess, min(values))
    kernels = _kernels_at(pairs, [1 / (pairs.scale * value) for value in values], 1 + then)
    sums, late = {}, []
    for index, kernel in enumerate(kernels):
        carried = moments[index].carried_over(kernel) if index in moments else None
        # One process's rounding must not send it another way than the rest.
        if any_process(carried is None, pairs.group) or carried is None:
            late.append(index)
        else:
            sums[index] = carried
    if late:
        # A guess too far off, or a row that needs a reference: it costs a pass, and no digits.
        pairs.count.expect(1 + then)
        sums |= zip(late, _row_sums(pairs, [kernels[index] for index in late]), strict=True)
    return kernels, torch.stack([sums[index] for index in range(len(kernels))])


def rates_and_log_sums(pairs: Pairs, temperatures: Sequence[float], *, then: int = 0) -> list[tuple[float, Tensor]]:
    """`1 / (mu T)` and the logarithms of all row sums `[N]`, float64, for each temperature.

    Every pair counts. Distances are float32, so that the error of `log r_i` grows with 1 / T: measured against dense
    float64 it is at most 2e-7 / T, and 6e-7 / T with an outlier ten mean distances away. Args and errors are those of
    `kernels_with_sums`.

    Example:
        >>> ((rate, logs),) = rates_and_log_sums(Pairs(torch.tensor([[0.0], [1.0], [3.0]])), [1.0])
        >>> logs.exp()  # the mean distance is 2
        tensor([0.8297, 0.9744, 0.5910], dtype=torch.float64)
    """
    kernels, sums = kernels_with_sums(pairs, temperatures, then=then)
    return [(kernel.rate, kernel.log(row)) for kernel, row in zip(kernels, sums, strict=True)]


def _kernels_at(pairs: Pairs, rates: Sequence[float], then: int) -> list[Kernel]:
    """A kernel of each rate; where neither norms nor an earlier pass tell of the nearest distances, it takes a pass."""
    if not any(_may_need_references(pairs, rate) for rate in rates):
        return [Kernel(rate, None) for rate in rates]
    if not pairs.knows_nearest:
        pairs.count.expect(1 + then)
    return [Kernel.around(pairs.nearest, rate) for rate in rates]


def _may_need_references(pairs: Pairs, rate: float) -> bool:
    """Whether norms alone leave it open that a sample's nearest is too far away for a kernel without references."""
    return sum(pairs.norms) * rate > FAINTEST


def _row_sums(pairs: Pairs, kernels: Sequence[Kernel]) -> Tensor:
    """Sums of each kernel over each row, relative to the kernel's reference, float64 `[T, N]`, on every process."""
    sums = torch.zeros(len(kernels), pairs.num_rows, dtype=torch.float64, device=pairs.device)
    for tile, (by_row, by_column) in pairs.each(partial(tile_sums, kernels)):
        sums[:, tile.rows] += by_row
        if tile.mirrored:
            sums[:, tile.columns] += by_column
    return all_reduce(sums, pairs.group)


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

        With S(rate) = Σ exp(−rate d), and mean and variance those of d weighted by the kernel,

            log S(rate + step) = log S(rate) − step · mean + step² / 2 · variance + what is left out.
        """
        if kernel.offset is not None:
            return None
        step = kernel.rate - self.rate
        if not bool((self.left_out(step) < _TOLERANCE).all()):
            return None
        carried: Tensor = self.sums[0] * (self._variance * (step**2 / 2) - self._mean * step).exp()
        return carried

    def left_out(self, step: float) -> Tensor:
        """No less than what `carried_over` leaves out of the logarithm of each sum `[N]`.

        The third derivative is at most reach times the variance, which on the way to the true rate grows by no more
        than the weights can change.
        """
        growth = math.exp(min(abs(step) * self.reach, 100.0))
        return self._variance * (abs(step) ** 3 / 6 * self.reach * growth)

    @property
    def _mean(self) -> Tensor:
        return self.sums[1] / self.sums[0]

    @property
    def _variance(self) -> Tensor:
        return (self.sums[2] / self.sums[0] - self._mean.square()).clamp(min=0)


class _Guess(NamedTuple):
    """What is thought of the kernels before any pass.

    Attributes:
        mean: About the mean distance, if not less.
        kernels: Those of some temperatures, by their number, that will need no references.
    """

    mean: float
    kernels: dict[int, Kernel]


def _root_mean_square(pairs: Pairs) -> float:
    """That of all distances, which the norms tell: no less than their mean, and seldom much more."""
    total = float(all_reduce(pairs.own.squares.sum(), pairs.group))
    return math.sqrt(2 * total / max(1, pairs.num_rows - 1))


def _guessed(pairs: Pairs, temperatures: Sequence[float]) -> _Guess:
    """A guess made from evenly spaced rows."""
    stride = max(1, math.ceil(pairs.num_rows / _SAMPLE))
    rows = torch.arange(stride // 2, pairs.num_rows, stride, device=pairs.device)
    mean, nearest = SomeRows(pairs.own, pairs.group, side=min(pairs.side, SIDE)).distances(rows, torch.ones_like(rows))
    if any_process(not float(mean) > COLLAPSED * pairs.own.norm, pairs.group):
        return _Guess(_root_mean_square(pairs), {})
    guesses = [Kernel.around(nearest, 1 / (float(mean) * value)) for value in temperatures]
    plain = ~on_any_process(torch.tensor([guess.offset is not None for guess in guesses]), pairs.group)
    return _Guess(float(mean), {index: guess for index, guess in enumerate(guesses) if plain[index]})


def _measured_with_moments(pairs: Pairs, guess: _Guess, lowest: float) -> dict[int, _Moments]:
    """The moments of these kernels, from the pass that measures the mean distance.

    The nearest distances are measured with it where the lowest temperature is going to ask for them.
    """
    kernels = list(guess.kernels.values())
    own = torch.zeros(len(kernels), 3, pairs.num_rows, dtype=torch.float64, device=pairs.device)
    foreseen = guess.mean > 0 and _may_need_references(pairs, _SLACK / (guess.mean * lowest))
    nearest = any_process(foreseen, pairs.group)

    def add(tile: Tile, moments: tuple[Tensor, Tensor]) -> None:
        by_row, by_column = moments
        own[:, :, tile.rows] += by_row
        if tile.mirrored:
            own[:, :, tile.columns] += by_column

    pairs.measure(partial(tile_moments, kernels), add, nearest=nearest)
    total = all_reduce(own, pairs.group)
    reach = 2 * max(pairs.norms)
    return {
        index: _Moments(kernel.rate, sums, reach)
        for (index, kernel), sums in zip(guess.kernels.items(), total, strict=True)
    }
