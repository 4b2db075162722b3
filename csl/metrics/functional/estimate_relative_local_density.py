"""Relative local density of very large sets, estimated, with its standard error."""

from collections.abc import Sequence
from typing import NamedTuple, cast

from torch import Tensor

from csl.checks import check_positive
from csl.distributed import Group
from csl.metrics.samples import Samples
from csl.metrics.undefined import undefined
from csl.pairwise import Progress, SampledSums, UndefinedSimilarityError, check_temperatures, sampled_class_sums


class Estimate(NamedTuple):
    """An estimate and how far it may be off.

    Attributes:
        value: float64, a scalar for one temperature, `[T]` for a sequence.
        standard_error: Its standard error, of the same shape.
        rows: How many rows were drawn in all repeats together.
        repeats: How often rows were drawn.

    Example:
        >>> import torch
        >>> estimate = Estimate(torch.tensor(0.5), torch.tensor(0.01), rows=5000, repeats=10)
        >>> [round(float(end), 4) for end in estimate.interval()]
        [0.4774, 0.5226]
    """

    value: Tensor
    standard_error: Tensor
    rows: int
    repeats: int

    def interval(self, confidence: float = 0.95) -> tuple[Tensor, Tensor]:
        """The ends of the interval that holds the exact value with this probability, by Student's t."""
        from scipy.stats import t

        width = float(t.ppf((1 + confidence) / 2, self.repeats - 1)) * self.standard_error
        return self.value - width, self.value + width


def estimate_relative_local_density(
    features: Tensor,
    labels: Tensor,
    temperatures: float | Sequence[float],
    *,
    samples: int = 500,
    repeats: int = 10,
    seed: int = 0,
    group: Group = None,
    progress: Progress | None = None,
) -> Estimate:
    """Estimate relative local density from some of the rows of the N×N pairs; `relative_local_density` is exact.

    Each repeat draws rows from every class in proportion to its size and sums their neighbourhoods over *all* N
    samples, which makes each class's sums of w unbiased, at the price of `(3 + T) · repeats · samples · N` distances
    where the exact value takes `1.5 N²`: with the defaults and three temperatures it pays from about N = 50,000 on.
    The standard error, and a correction of what the ratios of the sums add in bias, come from the jackknife over the
    repeats.

    The plain way, RLD of a subsample, is biased however often it is repeated: RLD depends on N, since a sample's
    neighbourhood thins out with those left out. Little where neighbours are many; where classes are spread over small
    clumps, all of it. `benchmarks/results/rld.md` compares the two.

    Args:
        features: This process's rows `[n, D]`, any floating dtype.
        labels: Their classes `[n]`, any integers but −1.
        temperatures: T, one or several.
        samples: How many rows a repeat draws; at least one of each class is drawn.
        repeats: How often to draw, 2 or more; the standard error itself is known to 1 / √(2 (repeats − 1)).
        seed: The same seed gives the same estimate, on as many processes.
        group: The processes that hold the other rows; None for one process.
        progress: Called now and then with the share of this process's work that is done, from 0 to 1.

    Returns:
        The estimate and its standard error; NaN, with a warning, for fewer than two samples or collapsed features.

    Raises:
        ValueError: If features are no finite matrix, labels do not match or hold −1, a T is not positive, or samples
            or repeats are too few.

    Example:
        >>> import torch
        >>> x = torch.randn(1000, 8, generator=torch.Generator().manual_seed(0))
        >>> labels = torch.arange(1000) % 4
        >>> estimate = estimate_relative_local_density(x + 4 * torch.eye(8)[labels], labels, 0.1, samples=50)
        >>> exact = 0.7393
        >>> bool((estimate.value - exact).abs() < 4 * estimate.standard_error)
        True
    """
    check_positive(samples=samples)
    if repeats < 2:
        raise ValueError(f"repeats: expected 2 or more, got {repeats}")
    single = isinstance(temperatures, (int, float))
    values = check_temperatures([cast(float, temperatures)] if single else cast(Sequence[float], temperatures))
    given = Samples(features, labels, group=group)
    classes = given.classes
    try:
        sums = sampled_class_sums(
            given.features,
            classes.own,
            len(classes.labels),
            values,
            samples=samples,
            repeats=repeats,
            seed=seed,
            group=group,
            progress=progress,
        )
    except UndefinedSimilarityError as error:
        nothing = undefined(
            "the estimate of relative local density", error, features, *() if single else (len(values),)
        )
        return Estimate(nothing, nothing.clone(), 0, repeats)
    value, deviation = (found[0] if single else found for found in _jackknife(sums))
    return Estimate(value, deviation, sums.rows, repeats)


def _jackknife(sums: SampledSums) -> tuple[Tensor, Tensor]:
    """The estimate without its bias of first order and its standard error `[T]`, from repeats `[R, T, C]`."""
    count = len(sums.within)
    whole = _density(sums.within.sum(dim=0), sums.degrees.sum(dim=0))
    without = _density(sums.within.sum(dim=0) - sums.within, sums.degrees.sum(dim=0) - sums.degrees)
    middle = without.mean(dim=0)
    error = ((count - 1) / count * (without - middle).square().sum(dim=0)).sqrt()
    return count * whole - (count - 1) * middle, error


def _density(within: Tensor, degrees: Tensor) -> Tensor:
    total = degrees.sum(dim=-1, keepdim=True)
    return (within / total - (degrees / total).square()).sum(dim=-1)
