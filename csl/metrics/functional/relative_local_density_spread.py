"""On what share of the samples relative local density rests."""

from collections.abc import Sequence
from typing import Unpack, cast

from torch import Tensor

from csl.distributed import Group, all_reduce
from csl.metrics.functional.relative_local_density_per_class import at_temperatures, with_temperatures
from csl.metrics.measure import Family, Measure, Passes
from csl.metrics.samples import Samples
from csl.metrics.undefined import undefined
from csl.pairwise import Streaming, UndefinedSimilarityError


def relative_local_density_spread(
    features: Tensor,
    labels: Tensor,
    temperatures: float | Sequence[float],
    *,
    group: Group = None,
    **streaming: Unpack[Streaming],
) -> Tensor:
    """The share of the samples that relative local density (RLD) rests on: 1 where all have the same weight.

    `(Σ_i k_i)² / (N Σ_i k_i²)` with k as in `relative_local_density`: Kish's effective sample size (Survey Sampling,
    1965), divided by N. A sample that has many neighbours at about the same distance has a small k. Two samples that
    are far from all others, and each other's nearest, have the largest that there is, N²: one such pair can carry a
    tenth of the weight of 10,000 samples. Where the spread is small, RLD says more about a few samples than about the
    set. Which these are, the largest and the lowest values of `relative_local_density_per_sample` tell.

    Args:
        features: This process's rows `[n, D]`, any floating dtype.
        labels: Their classes `[n]`, any integers but −1, as RLD needs them; they do not change the value.
        temperatures: T, one or several; smaller looks at closer neighbours. Several share the work.
        group: The processes that hold the other rows; None for one process.
        **streaming: `memory_budget`, `precision`, `progress`; see `csl.pairwise.Streaming`.

    Returns:
        float64, a scalar for one temperature, `[T]` for a sequence; NaN, with a warning, for fewer than two samples
        or collapsed features.

    Raises:
        ValueError: If features are no finite matrix, labels do not match or hold −1, or a T is not positive.

    Example:
        >>> import torch
        >>> x, labels = torch.linspace(0, 1, 100)[:, None], torch.zeros(100, dtype=torch.int64)
        >>> relative_local_density_spread(x, labels, 0.1).round(decimals=3)
        tensor(0.9750, dtype=torch.float64)
        >>> x[-2:] = torch.tensor([[3.0], [3.1]])  # a pair far from all others
        >>> relative_local_density_spread(x, labels, 0.1).round(decimals=3)
        tensor(0.2910, dtype=torch.float64)
    """
    single = isinstance(temperatures, (int, float))
    values = [cast(float, temperatures)] if single else cast(Sequence[float], temperatures)
    spread = RLD_SPREAD.of(Samples(features, labels, group=group, **streaming), temperatures=values)
    return spread[0] if single else spread


def _spread(samples: Samples, temperatures: tuple[float, ...]) -> Tensor:
    try:
        _, degrees = samples.sample_sums(temperatures)
    except UndefinedSimilarityError as error:
        return undefined("relative local density spread", error, samples.features, len(temperatures))
    weights = degrees / samples.shard.total**2  # at most 1 each: their squares cannot overflow
    total, squares = (all_reduce(part.sum(dim=1), samples.group) for part in (weights, weights.square()))
    return (total.square() / squares / samples.shard.total).clamp(max=1)


RLD_SPREAD = Measure(
    name="rld_spread",
    function=relative_local_density_spread,
    score=_spread,
    options=with_temperatures,
    names=lambda temperatures: [f"rld_spread_{temperature}" for temperature in temperatures],
    panel=at_temperatures,
    family=Family.LOCAL,
    meaning="0 to 1; the share of samples that rld rests on: low where few carry its weight",
    paper="Kish, 1965",
    cost=Passes(2),
    range=(0, 1),
    higher_is_better=None,
    needs="labels",
)
