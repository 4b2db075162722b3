"""What each class contributes to relative local density."""

from collections.abc import Sequence
from typing import Unpack, cast

import torch
from torch import Tensor

from csl.distributed import Group
from csl.metrics.functional.helpers import check_input, class_index, undefined
from csl.pairwise import Streaming, UndefinedSimilarityError, weight_class_sums
from csl.pairwise.checks import check_temperatures


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
    name = "relative local density per class"
    contributions = class_contributions(features, labels, values, group=group, metric=name, streaming=streaming)
    return contributions[0] if single else contributions


def class_contributions(
    features: Tensor,
    labels: Tensor,
    temperatures: Sequence[float],
    *,
    group: Group,
    metric: str,
    streaming: Streaming,
) -> Tensor:
    """`relative_local_density_per_class` of several temperatures `[T, C]`, for the metric of this name."""
    values = check_temperatures(temperatures)
    check_input(features, labels, group)
    index, classes = class_index(labels.to(features.device), group)
    try:
        within, degrees = weight_class_sums(features, index, len(classes), values, group=group, **streaming)
    except UndefinedSimilarityError as error:
        return undefined(metric, error, features, len(values), len(classes))
    total = degrees.sum(dim=1, keepdim=True)
    return within / total - (degrees / total).square()


def lowest(contributions: Tensor) -> Tensor:
    """The least contribution of a class at each temperature `[T]`, of `[T, C]`; NaN where there is no class."""
    return (
        contributions.amin(dim=1)
        if contributions.numel()
        else contributions.new_full(contributions.shape[:1], torch.nan)
    )
