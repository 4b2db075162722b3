"""Relative local density: how well the classes stay together in each sample's neighbourhood."""

from collections.abc import Sequence
from typing import Unpack, cast

import torch
from torch import Tensor

from csl.distributed import Group
from csl.metrics.functional.relative_local_density_per_class import at_temperatures, contributions, with_temperatures
from csl.metrics.measure import Family, Measure, Passes
from csl.metrics.samples import Samples
from csl.pairwise import Streaming


def relative_local_density(
    features: Tensor,
    labels: Tensor,
    temperatures: float | Sequence[float],
    *,
    group: Group = None,
    **streaming: Unpack[Streaming],
) -> Tensor:
    """Relative local density (RLD): the modularity of the labelling on the graph of similarities w.

    `RLD = Σ_c [ Σ_{i,j in c} w_ij / W − (Σ_{i in c} k_i / W)² ]` with `w_ij = N² a_ij² / (r_i r_j)`,
    `a_ij = exp(−d_ij / (mu T))`, `r_i = Σ_{j ≠ i} a_ij`, `k_i = Σ_j w_ij`, `W = Σ_i k_i` and mu the mean distance.
    It lies between −1/2 and 1 − 1/C: high where neighbours share their class, about 0 where labels and features have
    nothing to do with each other, exactly 0 for one class, and −1/2 where all similarity lies between two classes (the
    bounds of any modularity: Brandes et al., "On modularity clustering", 2008). Scaling, rotating or shifting the
    features changes nothing. See Zhang, Lu, Xuan, "How Does Contrastive Learning Organize Images?" (2024, arXiv
    2305.10229).

    The value is exact: all pairs count, none of them in an N×N array.

    Args:
        features: This process's rows `[n, D]`, any floating dtype.
        labels: Their classes `[n]`, any integers but −1.
        temperatures: T, one or several; smaller looks at closer neighbours. Several share the work.
        group: The processes that hold the other rows; None for one process.
        **streaming: `memory_budget`, `precision`, `progress`; see `csl.pairwise.Streaming`.

    Returns:
        float64, a scalar for one temperature, `[T]` for a sequence; NaN, with a warning, for fewer than two samples
        or collapsed features.

    Raises:
        ValueError: If features are no finite matrix, labels do not match or hold −1, or a T is not positive.

    Example:
        >>> x = torch.tensor([[0.0], [0.1], [5.0], [5.1]])
        >>> relative_local_density(x, torch.tensor([0, 0, 1, 1]), 0.1).round(decimals=3)
        tensor(0.5000, dtype=torch.float64)
    """
    single = isinstance(temperatures, (int, float))
    values = [cast(float, temperatures)] if single else cast(Sequence[float], temperatures)
    density = RLD.of(Samples(features, labels, group=group, **streaming), temperatures=values)
    return density[0] if single else density


def _density(samples: Samples, temperatures: tuple[float, ...]) -> Tensor:
    shares = contributions(samples, temperatures, "relative local density")
    return shares.sum(dim=1) if shares.shape[1] else shares.new_full((len(temperatures),), torch.nan)


RLD = Measure(
    name="rld",
    function=relative_local_density,
    score=_density,
    options=with_temperatures,
    names=lambda temperatures: [f"rld_{temperature}" for temperature in temperatures],
    panel=at_temperatures,
    family=Family.LOCAL,
    meaning="-1/2 to 1; high: neighbours share their class; 0 by chance",
    paper="Zhang, Lu and Xuan, 2024, arXiv 2305.10229",
    cost=Passes(2),
    range=(-0.5, 1),
    higher_is_better=True,
    needs="labels",
    every_pass=True,
)
