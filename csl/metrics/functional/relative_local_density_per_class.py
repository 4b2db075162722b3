"""What each class contributes to relative local density."""

from collections.abc import Sequence
from typing import Unpack, cast

import torch
from torch import Tensor

from csl.distributed import Group
from csl.metrics.measure import Choices, Family, Measure, Options, Passes
from csl.metrics.samples import Samples
from csl.metrics.undefined import undefined
from csl.pairwise import Streaming, UndefinedSimilarityError, check_temperatures

TEMPERATURES = (1.0, 0.2, 0.1)


def relative_local_density_per_class(
    features: Tensor,
    labels: Tensor,
    temperatures: float | Sequence[float],
    *,
    group: Group = None,
    **streaming: Unpack[Streaming],
) -> Tensor:
    """What each class contributes to relative local density (RLD); the contributions add up to it.

    `RLD_c = Σ_{i,j in c} w_ij / W − (Σ_{i in c} k_i / W)²`, with w, k and W as in `relative_local_density`. A class
    that holds the share s of all similarity contributes s − s² where its samples' neighbours are all of the class,
    about 0 where neighbours have nothing to do with it, and less where they avoid it: between −1/4 and 1/4. See Zhang,
    Lu, Xuan, "How Does Contrastive Learning Organize Images?" (2024, arXiv 2305.10229).

    Args:
        features: This process's rows `[n, D]`, any floating dtype.
        labels: Their classes `[n]`, any integers but −1.
        temperatures: T, one or several; smaller looks at closer neighbours. Several share the work.
        group: The processes that hold the other rows; None for one process.
        **streaming: `memory_budget`, `precision`, `progress`; see `csl.pairwise.Streaming`.

    Returns:
        float64, `[C]` for one temperature, `[T, C]` for a sequence, classes in ascending order of their labels; NaN,
        with a warning, for fewer than two samples or collapsed features.

    Raises:
        ValueError: If features are no finite matrix, labels do not match or hold −1, or a T is not positive.

    Example:
        >>> import torch
        >>> x = torch.tensor([[0.0], [0.1], [5.0], [5.1], [5.2]])
        >>> relative_local_density_per_class(x, torch.tensor([3, 3, 7, 7, 7]), 0.1).round(decimals=3)
        tensor([0.2450, 0.2450], dtype=torch.float64)
    """
    single = isinstance(temperatures, (int, float))
    values = [cast(float, temperatures)] if single else cast(Sequence[float], temperatures)
    samples = Samples(features, labels, group=group, **streaming)
    shares = RLD_PER_CLASS.of(samples, temperatures=values)
    return shares[0] if single else shares


def with_temperatures(temperatures: Sequence[float] = TEMPERATURES) -> Options:
    """The options of a measure that takes several temperatures."""
    return {"temperatures": check_temperatures(temperatures)}


def at_temperatures(choices: Choices) -> Sequence[Options]:
    """What such a measure computes in a panel."""
    return [{"temperatures": choices.temperatures}]


def contributions(samples: Samples, temperatures: Sequence[float], metric: str) -> Tensor:
    """What each class contributes at each temperature `[T, C]`, for the metric of this name."""
    try:
        within, degrees = samples.class_sums(temperatures)
    except UndefinedSimilarityError as error:
        return undefined(metric, error, samples.features, len(temperatures), len(samples.classes.labels))
    total = degrees.sum(dim=1, keepdim=True)
    return within / total - (degrees / total).square()


def _contributions(samples: Samples, temperatures: tuple[float, ...]) -> Tensor:
    return contributions(samples, temperatures, "relative local density per class")


def _lowest(value: Tensor, temperatures: tuple[float, ...]) -> Tensor:
    """The least contribution of a class at each temperature `[T]`; NaN where there is no class."""
    if not value.numel():
        return value.new_full((len(temperatures),), torch.nan)
    return value.reshape(len(temperatures), -1).amin(dim=1)


RLD_PER_CLASS = Measure(
    name="rld_per_class",
    function=relative_local_density_per_class,
    score=_contributions,
    options=with_temperatures,
    names=lambda temperatures: [f"lowest_class_rld_{temperature}" for temperature in temperatures],
    summary=_lowest,
    panel=at_temperatures,
    family=Family.LOCAL,
    meaning="-1/4 to 1/4; what the weakest class adds to rld",
    paper="Zhang, Lu and Xuan, 2024, arXiv 2305.10229",
    cost=Passes(2),
    range=(-0.25, 0.25),
    higher_is_better=True,
    needs="labels",
    in_default=False,
)
