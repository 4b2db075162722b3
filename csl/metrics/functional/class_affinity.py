"""Class affinity: which classes share neighbourhoods."""

from typing import Unpack

import torch
from torch import Tensor

from csl.distributed import Group
from csl.metrics.functional.relative_local_density_per_class import TEMPERATURES
from csl.metrics.measure import Family, Measure, Options, Passes
from csl.metrics.samples import Samples
from csl.metrics.undefined import undefined
from csl.pairwise import Streaming, UndefinedSimilarityError, check_temperatures


def class_affinity(
    features: Tensor, labels: Tensor, temperature: float, *, group: Group = None, **streaming: Unpack[Streaming]
) -> Tensor:
    """The share of all similarity that lies between each two classes.

    `A_cc' = Σ_{i in c, j in c'} w_ij / Σ_ij w_ij` with `w_ij = N² a_ij² / (r_i r_j)`,
    `a_ij = exp(−d_ij / (mu T))`, `r_i = Σ_{j ≠ i} a_ij` and mu the mean distance; the diagonal holds what stays within
    a class. Entries lie between 0 and 1; a high trace means that neighbourhoods keep to one class. See Zhang, Lu, Xuan,
    "How Does Contrastive Learning Organize Images?" (2024, arXiv 2305.10229).

    Args:
        features: This process's rows `[n, D]`, any floating dtype.
        labels: Their classes `[n]`, any integers but −1.
        temperature: T; smaller looks at closer neighbours.
        group: The processes that hold the other rows; None for one process.
        **streaming: `memory_budget`, `precision`, `progress`; see `csl.pairwise.Streaming`.

    Returns:
        float64 `[C, C]`, symmetric, summing to 1, classes in ascending order of their labels; all NaN, with a
        warning, for fewer than two samples or collapsed features.

    Raises:
        ValueError: If features are no finite matrix, labels do not match or hold −1, or T is not positive.

    Example:
        >>> x = torch.tensor([[0.0], [0.1], [5.0], [5.1]])
        >>> class_affinity(x, torch.tensor([3, 3, 7, 7]), 0.1).round(decimals=3)
        tensor([[0.5000, 0.0000],
                [0.0000, 0.5000]], dtype=torch.float64)
    """
    return CLASS_AFFINITY.of(Samples(features, labels, group=group, **streaming), temperature=temperature)


def _options(temperature: float = TEMPERATURES[-1]) -> Options:
    return {"temperature": check_temperatures([temperature])[0]}


def _affinity(samples: Samples, temperature: float) -> Tensor:
    try:
        sums = samples.block_sums([temperature])[0]
    except UndefinedSimilarityError as error:
        count = len(samples.classes.labels)
        return undefined("class affinity", error, samples.features, count, count)
    return sums / sums.sum()


def _share_within(affinity: Tensor, temperature: float) -> Tensor:
    """The share of similarity that stays within classes; NaN for no classes."""
    # A [1, 1] comes out of torchmetrics as a scalar.
    table = affinity.reshape(1, 1) if affinity.ndim == 0 else affinity
    return table.diagonal().sum(dim=0, keepdim=True) if len(table) else table.new_full((1,), torch.nan)


CLASS_AFFINITY = Measure(
    name="class_affinity",
    function=class_affinity,
    score=_affinity,
    options=_options,
    names=lambda temperature: [f"within_class_affinity_{temperature}"],
    summary=_share_within,
    panel=lambda choices: [{"temperature": temperature} for temperature in choices.temperatures],
    family=Family.LOCAL,
    meaning="0 to 1; high: similarity stays within classes",
    paper="Zhang, Lu and Xuan, 2024, arXiv 2305.10229",
    cost=Passes(2),
    range=(0, 1),
    higher_is_better=True,
    needs="labels",
    in_default=False,
)
