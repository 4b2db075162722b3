"""Neighbour agreement: how many of a sample's nearest neighbours have its class."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from csl.checks import check_positive
from csl.distributed import Group, all_reduce
from csl.metrics.measure import Family, Measure, Options, search
from csl.metrics.samples import Samples
from csl.metrics.undefined import warn_undefined
from csl.pairwise import Progress

KS = (1, 10, 100)


def neighbor_agreement(
    features: Tensor, labels: Tensor, ks: int | Sequence[int], *, group: Group = None, progress: Progress | None = None
) -> Tensor:
    """Mean share of a sample's k nearest neighbours by cosine, itself left out, that have its class.

    Between 0 and 1; at small k high where the space is locally dense, at k near a class's size only where classes are
    globally dense. See Zhang, Lu, Xuan, "How Does Contrastive Learning Organize Images?" (2024, arXiv 2305.10229).

    Args:
        features: This process's rows `[n, D]`, any floating dtype.
        labels: Their classes `[n]`, any integers but −1.
        ks: Numbers of neighbours, one or several; all come from one pass.
        group: The processes that hold the other rows; None for one process.
        progress: Called now and then with the share of this process's work that is done, from 0 to 1.

    Returns:
        float64, a scalar for one k, `[K]` for a sequence; NaN, with a warning, for a k of N or more.

    Raises:
        ValueError: If features are no finite matrix, labels do not match or hold −1, or a k is below 1.

    Example:
        >>> x = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
        >>> neighbor_agreement(x, torch.tensor([0, 0, 1, 1]), [1, 2])
        tensor([1.0000, 0.5000], dtype=torch.float64)
    """
    single = isinstance(ks, int)
    values = [cast(int, ks)] if single else cast(Sequence[int], ks)
    samples = Samples(features, labels, group=group, progress=progress)
    agreement = NEIGHBOR_AGREEMENT.of(samples, ks=values)
    return agreement[0] if single else agreement


def _options(ks: Sequence[int] = KS) -> Options:
    if not ks:
        raise ValueError("ks: expected at least one number of neighbours, got none")
    for k in ks:
        check_positive(ks=k)
    return {"ks": tuple(ks)}


def _agreement(samples: Samples, ks: tuple[int, ...]) -> Tensor:
    total, labels = samples.shard.total, samples.classes.own
    if too_many := [k for k in ks if k >= total]:
        warn_undefined(f"neighbour agreement at k = {too_many}", f"there are {max(total - 1, 0)} other samples")
    result = torch.full((len(ks),), torch.nan, dtype=torch.float64, device=labels.device)
    if usable := [k for k in ks if k < total]:
        hits = _hits(samples, max(usable)).cumsum(0)
        for position, k in enumerate(ks):
            if k in usable:
                result[position] = hits[k - 1] / (k * total)
    return result


def _hits(samples: Samples, k: int) -> Tensor:
    """How many samples of the group agree with their first, second, … k-th neighbour, float64 `[k]`."""
    own, everyone = samples.classes.own, samples.classes.all
    hits = torch.zeros(k, dtype=torch.float64, device=own.device)
    for part, _, keys in samples.nearest(k):
        hits += (everyone[keys] == own[part, None]).sum(dim=0)
    return all_reduce(hits, samples.group)


NEIGHBOR_AGREEMENT = Measure(
    name="neighbor_agreement",
    function=neighbor_agreement,
    score=_agreement,
    options=_options,
    names=lambda ks: [f"neighbor_agreement_{k}" for k in ks],
    panel=lambda choices: [{"ks": choices.ks}],
    neighbors=lambda ks: max(ks),
    family=Family.LOCAL,
    meaning="0 to 1; high: the k nearest share the class",
    paper="Zhang, Lu and Xuan, 2024, arXiv 2305.10229",
    cost=search(2),
    range=(0, 1),
    higher_is_better=True,
    needs="labels",
)
