"""What each sample contributes to relative local density."""

from collections.abc import Sequence
from typing import Unpack, cast

from torch import Tensor

from csl.distributed import Group, all_reduce
from csl.metrics.samples import Samples
from csl.metrics.undefined import undefined
from csl.pairwise import Streaming, UndefinedSimilarityError, check_temperatures


def relative_local_density_per_sample(
    features: Tensor,
    labels: Tensor,
    temperatures: float | Sequence[float],
    *,
    group: Group = None,
    **streaming: Unpack[Streaming],
) -> Tensor:
    """What each sample contributes to relative local density (RLD); the contributions add up to it.

    `RLD_i = Σ_{j in c(i)} w_ij / W − k_i K_c(i) / W²`, with w, k and W as in `relative_local_density` and
    `K_c = Σ_{j in c} k_j`: the similarity that sample i has with its class, less what it would have by chance. Summed
    over a class it is what `relative_local_density_per_class` gives. It is of the order of 1 / N, highest where all
    neighbours have the sample's class and negative where they avoid it: low ones are candidates for wrong labels. See
    Zhang, Lu, Xuan, "How Does Contrastive Learning Organize Images?" (2024, arXiv 2305.10229).

    Args:
        features: This process's rows `[n, D]`, any floating dtype.
        labels: Their classes `[n]`, any integers but −1.
        temperatures: T, one or several; smaller looks at closer neighbours. Several share the work.
        group: The processes that hold the other rows; None for one process.
        **streaming: `memory_budget`, `precision`, `progress`; see `csl.pairwise.Streaming`.

    Returns:
        float64, `[n]` for one temperature, `[T, n]` for a sequence, in the order of this process's rows; NaN, with a
        warning, for fewer than two samples or collapsed features.

    Raises:
        ValueError: If features are no finite matrix, labels do not match or hold −1, or a T is not positive.

    Example:
        >>> import torch
        >>> x = torch.tensor([[0.0], [0.1], [5.0], [5.1]])
        >>> relative_local_density_per_sample(x, torch.tensor([0, 0, 1, 1]), 0.1).round(decimals=3)
        tensor([0.1250, 0.1250, 0.1250, 0.1250], dtype=torch.float64)
    """
    single = isinstance(temperatures, (int, float))
    values = check_temperatures([cast(float, temperatures)] if single else cast(Sequence[float], temperatures))
    shares = sample_contributions(Samples(features, labels, group=group, **streaming), values)
    return shares[0] if single else shares


def sample_contributions(samples: Samples, temperatures: Sequence[float]) -> Tensor:
    """What each own sample of a set that others measure, too, contributes at each temperature `[T, n]`."""
    index = samples.classes.own
    try:
        within, degrees = samples.sample_sums(temperatures)
    except UndefinedSimilarityError as error:
        metric = "relative local density per sample"
        return undefined(metric, error, samples.features, len(temperatures), len(index))
    by_class = degrees.new_zeros(len(temperatures), len(samples.classes.labels)).index_add_(1, index, degrees)
    by_class = all_reduce(by_class, samples.group)
    total = by_class.sum(dim=1, keepdim=True)
    return within / total - (degrees / total) * (by_class / total)[:, index]
