"""Sums of the similarity w estimated from some rows of the pairs, for sets too large to take all of them."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from csl.checks import check_positive
from csl.distributed import Group, gather_rows, rank
from csl.pairwise.centering import Centered, center
from csl.pairwise.checks import (
    UndefinedSimilarityError,
    check_features,
    check_temperatures,
    label_range_fault,
    refuse,
)
from csl.pairwise.pairs import checked_scale
from csl.pairwise.precision import full_precision
from csl.pairwise.some_rows import SIDE, SomeRows
from csl.pairwise.streaming import Progress
from csl.randomness import shuffled_by_class


class SampledSums(NamedTuple):
    """`csl.pairwise.ClassSums`, estimated from some rows, R times.

    Attributes:
        within: `[R, T, C]`, float64.
        degrees: `[R, T, C]`, float64.
        rows: How many rows were drawn in all repeats together.

    Example:
        >>> sums = SampledSums(torch.ones(10, 1, 2), torch.ones(10, 1, 2), rows=5000)
        >>> len(sums.within), sums.rows // len(sums.within)  # repeats, and rows of each
        (10, 500)
    """

    within: Tensor
    degrees: Tensor
    rows: int


@full_precision()
def sampled_class_sums(
    features: Tensor,
    labels: Tensor,
    num_classes: int,
    temperatures: Sequence[float],
    *,
    samples: int,
    repeats: int,
    seed: int,
    group: Group = None,
    progress: Progress | None = None,
    tile_side: int = SIDE,
) -> SampledSums:
    """Unbiased estimates of `weight_class_sums`, in `(3 + T) · repeats · samples · N` distances.

    Each repeat draws rows i, of every class in proportion to its size, and sums their neighbourhoods over all N
    samples, so that no neighbourhood is thinned out as those of a subsample are: only the rows are few. What is missing
    are the sums `r_j` of the other end. They are estimated from the drawn rows of all repeats, and the error that makes
    is taken out again, in expectation, with the exact `r_j` of one neighbour j for each i, drawn in proportion to the
    estimated `w_ij`. Only mu is shared by the repeats and taken to be exact: it is estimated from the drawn rows'
    mean distances, as far as those differ from what their distance to the mean of all rows leads one to expect.

    Args:
        features: This process's rows `[n, D]`.
        labels: Their classes `[n]`, integers from 0 to `num_classes` − 1.
        num_classes: C.
        temperatures: T values.
        samples: How many rows a repeat draws, at least one of each class.
        repeats: How many times to draw, R.
        seed: Of the draws.
        group: The processes that hold the other rows.
        progress: Called with the share of this process's work that is done.
        tile_side: How many rows and columns are worked on at a time.

    Returns:
        The sums of each repeat, on every process.

    Raises:
        ValueError: If the features are no finite floating-point matrix, labels do not match, or samples, repeats or a
            T are not positive.
        UndefinedSimilarityError: For fewer than two samples or collapsed features.

    Example:
        >>> x = torch.tensor([[0.0], [0.1], [5.0], [5.1]])  # a sample's only near neighbour is of its class
        >>> labels = torch.tensor([0, 0, 1, 1])
        >>> sampled_class_sums(x, labels, 2, [0.1], samples=2, repeats=1, seed=0).within.round(decimals=3)
        tensor([[[32., 32.]]], dtype=torch.float64)
    """
    check_positive(samples=samples, repeats=repeats)
    values = check_temperatures(temperatures)
    check_features(features, group)
    refuse(label_range_fault(features, labels, num_classes), group)
    labels = labels.to(features.device, torch.int64)
    order = labels.argsort(stable=True)
    own = center(features, group=group, order=order)
    classes = gather_rows(labels[order], group)
    count = len(classes)
    if count < 2:
        raise UndefinedSimilarityError(f"similarities need at least two samples, got {count}")
    generator = torch.Generator().manual_seed(seed)
    drawn = [_draw_rows(classes.cpu(), samples, generator) for _ in range(repeats)]
    rows = torch.cat([part for part, _ in drawn]).to(features.device)
    shares = torch.cat([part for _, part in drawn]).to(features.device)
    repeat = torch.arange(repeats, device=rows.device).repeat_interleave(len(drawn[0][0]))
    stream = _Stream(own, classes, group, progress, tile_side, (3 + len(values)) * len(rows) * len(features))
    mean = checked_scale(float(stream.distances(rows, shares).mean), count, own.norm, own.unit)
    rates = [1 / (mean * t) for t in values]
    sums = stream.log_sums(rows, rates, shares / repeats)
    within = torch.zeros(repeats, len(values), num_classes, dtype=torch.float64, device=rows.device)
    degrees = torch.zeros_like(within)
    for place, found in enumerate(stream.neighborhoods(rows, shares / repeats, rates, sums, generator)):
        exact = stream.log_sums(found.columns, [rates[place]]).by_row[0]
        mended = found.degrees * ((found.log_sums - exact).exp() - 1)
        same = classes[rows] == classes[found.columns]
        at = repeat, classes[rows]
        within[:, place].index_put_(at, shares * (found.within + mended * same), accumulate=True)
        degrees[:, place].index_put_(at, shares * (found.degrees + mended), accumulate=True)
    return SampledSums(within * count**2, degrees * count**2, len(rows))


def _draw_rows(classes: Tensor, samples: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Rows of each class in proportion to its size, and how many rows each of them stands for, float64."""
    rows, shares = [], []
    for part in shuffled_by_class(classes, generator):
        wanted = min(len(part), max(1, round(samples * len(part) / len(classes))))
        rows.append(part[:wanted])
        shares.append(torch.full((wanted,), len(part) / wanted, dtype=torch.float64))
    return torch.cat(rows), torch.cat(shares)


class _LogSums(NamedTuple):
    """Logarithms of sums of the kernel.

    Attributes:
        by_row: Over all columns, for some rows `[T, S]`, float64.
        by_column: Estimated from these rows, for this process's columns `[T, n]`, float64.
    """

    by_row: Tensor
    by_column: Tensor


class _Neighborhoods(NamedTuple):
    """The neighbourhoods of some rows at one temperature, with w estimated, in units of N².

    Attributes:
        within: `Σ_j w_ij` over columns of row i's class `[S]`, float64.
        degrees: `Σ_j w_ij` over all columns `[S]`.
        columns: A global row number drawn with probability in proportion to `w_ij` `[S]`.
        log_sums: The logarithm of the estimate of `r_j` that this `w_ij` was made with `[S]`.
    """

    within: Tensor
    degrees: Tensor
    columns: Tensor
    log_sums: Tensor


class _Stream(SomeRows):
    """What the sums ask of the distances from some rows to all."""

    def __init__(
        self, own: Centered, classes: Tensor, group: Group, progress: Progress | None, side: int, total: int
    ) -> None:
        super().__init__(own, group, self._count, side)
        self._classes, self._progress, self._total, self._seen = classes, progress, max(1, total), 0

    def _count(self, pairs: int) -> None:
        self._seen += pairs
        if self._progress is not None:
            self._progress(min(1.0, self._seen / self._total))

    def log_sums(self, rows: Tensor, rates: Sequence[float], shares: Tensor | None = None) -> _LogSums:
        """`log r` of these rows; with the number of rows each stands for, estimates for all columns too."""
        by_row = self._zeros(len(rates), len(rows)) - math.inf
        by_column = self._zeros(len(rates), len(self.own.values)) - math.inf
        for part, columns, block in self.tiles(rows):
            for place, rate in enumerate(rates):
                _add_logs(by_row[place, part], block, rate)
                if shares is not None:
                    _add_logs(by_column[place, columns], block.T, rate, shares[part].float())
        every = gather_rows(by_row[None], self.group).logsumexp(dim=0)
        return _LogSums(every, by_column)

    def neighborhoods(
        self, rows: Tensor, shares: Tensor, rates: Sequence[float], sums: _LogSums, generator: torch.Generator
    ) -> list[_Neighborhoods]:
        """The neighbourhoods of these rows at each rate."""
        # Each process draws among its own columns, then all of them agree on whose draw counts.
        lots = torch.Generator(rows.device).manual_seed(generator.initial_seed() + rank(self.group))
        found = [
            _Neighborhoods(
                self._zeros(len(rows)), self._zeros(len(rows)), rows.clone(), self._zeros(len(rows)) - math.inf
            )
            for _ in rates
        ]
        for part, columns, block in self.tiles(rows):
            start = self.start + columns.start
            same = self._classes[rows[part], None] == self._classes[start : start + block.shape[1]]
            for place, (rate, notes) in enumerate(zip(rates, found, strict=True)):
                estimates = sums.by_column[place, columns]
                mended = _mended(block, rate, shares[part], estimates)
                exponents = torch.add(-sums.by_row[place, part].float()[:, None], block, alpha=-2 * rate)
                weights = exponents.sub_(estimates.float()).exp_().div_(mended)
                here = weights.sum(dim=1).double()
                notes.within[part] += weights.mul(same).sum(dim=1).double()
                notes.degrees[part] += here
                # The draw so far stays with the probability that its columns have among all seen.
                lot = torch.rand(len(here), generator=lots, device=here.device, dtype=torch.float64)
                moved = (lot * notes.degrees[part] < here).nonzero()[:, 0]
                drawn = _draw_columns(weights[moved], lots)
                notes.columns[part.start + moved] = start + drawn
                notes.log_sums[part.start + moved] = estimates[drawn] + mended[moved, drawn].double().log()
        return [self._agree(notes, generator) for notes in found]

    def _agree(self, own: _Neighborhoods, generator: torch.Generator) -> _Neighborhoods:
        """The sums over all processes, and one draw of all of theirs."""
        within, degrees, columns, logs = (gather_rows(values[None], self.group) for values in own)
        # A sample so far out that all its w underflow has none to draw by, and none to mend.
        chances = degrees.T.cpu().clamp(min=torch.finfo(degrees.dtype).tiny)
        winner = torch.multinomial(chances, 1, generator=generator).T.to(columns.device)
        return _Neighborhoods(
            within.sum(dim=0), degrees.sum(dim=0), columns.gather(0, winner)[0], logs.gather(0, winner)[0]
        )

    def _zeros(self, *shape: int) -> Tensor:
        return torch.zeros(shape, dtype=torch.float64, device=self.own.values.device)


def _add_logs(logs: Tensor, block: Tensor, rate: float, shares: Tensor | None = None) -> None:
    """Add the sums of `exp(−rate d)` over the columns of a tile, each times its share, to logarithms `[m]`."""
    nearest = block.amin(dim=1, keepdim=True)
    nearest.masked_fill_(nearest.isinf(), 0)
    values = (nearest - block).mul_(rate).exp_()
    sums = values.sum(dim=1) if shares is None else values @ shares
    logs.copy_(logs.logaddexp(sums.double().log() - rate * nearest[:, 0].double()))


def _mended(block: Tensor, rate: float, shares: Tensor, estimates: Tensor) -> Tensor:
    """By what to multiply the estimate of `r_j` for row i `[m, n]`, so that i itself counts in it once and no more."""
    own = torch.add(-estimates.float(), block, alpha=-rate).exp_()
    return torch.maximum(own * (1 - shares.float())[:, None] + 1, own)


def _draw_columns(weights: Tensor, generator: torch.Generator) -> Tensor:
    """A column of each row `[m]`, with a probability in proportion to its weight `[m, n]`."""
    ends = weights.double().cumsum(dim=1)
    lots = torch.rand(len(weights), 1, generator=generator, device=weights.device, dtype=torch.float64)
    # A lot in [0, 1) times the total lies below the end of a column of some weight.
    return torch.searchsorted(ends, lots * ends[:, -1:], right=True)[:, 0].clamp(max=weights.shape[1] - 1)
