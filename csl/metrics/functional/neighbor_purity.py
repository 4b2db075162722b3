"""Neighbour purity: how many of one sample's nearest neighbours have its class."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from csl.checks import check_positive
from csl.distributed import Group
from csl.metrics.samples import Samples
from csl.metrics.undefined import warn_undefined
from csl.pairwise import Progress


def neighbor_purity(
    features: Tensor, labels: Tensor, ks: int | Sequence[int], *, group: Group = None, progress: Progress | None = None
) -> Tensor:
    """Share of each sample's k nearest neighbours by cosine, itself left out, that have its class.

    Between 0 and 1; its mean over the samples is `neighbor_agreement`. A sample of purity 0 lies among other classes:
    it is hard, or wrongly labelled. See Zhang, Lu, Xuan, "How Does Contrastive Learning Organize Images?" (2024, arXiv
    2305.10229).

    Args:
        features: This process's rows `[n, D]`, any floating dtype.
        labels: Their classes `[n]`, any integers but −1.
        ks: Numbers of neighbours, one or several; all come from one search.
        group: The processes that hold the other rows; None for one process.
        progress: Called now and then with the share of this process's work that is done, from 0 to 1.

    Returns:
        float64, `[n]` for one k, `[K, n]` for a sequence, in the order of this process's rows; NaN, with a warning,
        for a k of N or more.

    Raises:
        ValueError: If features are no finite matrix, labels do not match or hold −1, or a k is below 1.

    Example:
        >>> x = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
        >>> neighbor_purity(x, torch.tensor([0, 0, 1, 0]), [1, 3])
        tensor([[1.0000, 1.0000, 0.0000, 0.0000],
                [0.6667, 0.6667, 0.0000, 0.6667]], dtype=torch.float64)
    """
    single = isinstance(ks, int)
    values = [cast(int, ks)] if single else list(cast(Sequence[int], ks))
    for k in values:
        check_positive(ks=k)
    purity = sample_purity(Samples(features, labels, group=group, progress=progress), values)
    return purity[0] if single else purity


def sample_purity(samples: Samples, ks: Sequence[int]) -> Tensor:
    """The purity of each own sample of a set that others measure, too, for each k `[K, n]`."""
    own, everyone, total = samples.classes.own, samples.classes.all, samples.shard.total
    purity = torch.full((len(ks), len(own)), torch.nan, dtype=torch.float64, device=own.device)
    if too_many := [k for k in ks if k >= total]:
        warn_undefined(f"neighbour purity at k = {too_many}", f"there are {max(total - 1, 0)} other samples")
    if usable := [k for k in ks if k < total]:
        for part, _, keys in samples.nearest(max(usable)):
            hits = (everyone[keys] == own[part, None]).double().cumsum(dim=1)
            for row, k in enumerate(ks):
                if k < total:
                    purity[row, part] = hits[:, k - 1] / k
    return purity
