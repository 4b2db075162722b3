"""The scores of each sample, side by side."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from csl.checks import check_positive
from csl.distributed import Group
from csl.metrics.functional.neighbor_agreement import KS
from csl.metrics.functional.neighbor_margin import sample_margin
from csl.metrics.functional.neighbor_purity import sample_purity
from csl.metrics.functional.relative_local_density_per_class import TEMPERATURES
from csl.metrics.functional.relative_local_density_per_sample import sample_contributions
from csl.metrics.samples import Samples
from csl.pairwise import check_temperatures


def per_sample(
    features: Tensor,
    labels: Tensor,
    *,
    temperatures: Sequence[float] = TEMPERATURES,
    ks: Sequence[int] = KS,
    normalize: bool = True,
    group: Group = None,
) -> Mapping[str, Tensor]:
    """Scores of each sample, by name: `rld_T` and `neighbor_purity_K` of each T and K, and `neighbor_margin`.

    They are those of `relative_local_density_per_sample`, `neighbor_purity` and `neighbor_margin`, which share what
    they need of the pairs.

    Args:
        features: This process's rows `[n, D]`, any floating dtype.
        labels: Their classes `[n]`, any integers but −1.
        temperatures: T of the contributions to relative local density.
        ks: Numbers of neighbours of the purity.
        normalize: Take the rows with length 1.
        group: The processes that hold the other rows; None for one process.

    Raises:
        ValueError: If features are no finite matrix, labels do not match or hold −1, or an option is not positive.

    Example:
        >>> import torch
        >>> x = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
        >>> sorted(per_sample(x, torch.tensor([0, 0, 1, 1]), temperatures=[0.1], ks=[1]))
        ['neighbor_margin', 'neighbor_purity_1', 'rld_0.1']
    """
    for k in ks:
        check_positive(ks=k)
    values = check_temperatures(temperatures)
    samples = Samples(features, labels, group=group, normalize=normalize, neighbors=ks, shared=True)
    rld = zip((f"rld_{value}" for value in values), sample_contributions(samples, values), strict=True)
    margin = sample_margin(samples)
    purity = zip((f"neighbor_purity_{k}" for k in ks), sample_purity(samples, ks), strict=True)
    return {**dict(rld), **dict(purity), "neighbor_margin": margin}
