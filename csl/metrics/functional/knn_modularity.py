"""Modularity of the labelling on the graph of nearest neighbours."""

import torch
from torch import Tensor

from csl.checks import check_positive
from csl.distributed import Group, all_reduce
from csl.metrics.measure import Family, Measure, Options, search
from csl.metrics.samples import Samples
from csl.metrics.undefined import undefined
from csl.pairwise import Progress


def knn_modularity(
    features: Tensor, labels: Tensor, k: int = 10, *, group: Group = None, progress: Progress | None = None
) -> Tensor:
    """Modularity of the labelling on the graph that joins each sample to its k nearest others by cosine.

    `Q = Σ_c [ E_cc / E − (Σ_c' E_cc' / E)² ]` with `E_cc' = Σ_{i in c, j in c'} (b_ij + b_ji) / 2` and b_ij = 1 where j
    is among i's k nearest. Between −1/2 and 1 − 1/C: near the upper end for C classes of one size whose neighbourhoods
    are pure, about 0 for a labelling independent of the features, exactly 0 for one class. It is what relative local
    density becomes when its smooth weights are cut to k neighbours. See Newman, "Modularity and community structure in
    networks" (2006, arXiv physics/0602124).

    Args:
        features: This process's rows `[n, D]`, any floating dtype.
        labels: Their classes `[n]`, any integers but −1.
        k: Number of neighbours.
        group: The processes that hold the other rows; None for one process.
        progress: Called now and then with the share of this process's work that is done, from 0 to 1.

    Returns:
        float64 scalar; NaN, with a warning, for k of N or more.

    Raises:
        ValueError: If features are no finite matrix, labels do not match or hold −1, or k is below 1.

    Example:
        >>> x = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
        >>> knn_modularity(x, torch.tensor([0, 0, 1, 1]), k=1)
        tensor(0.5000, dtype=torch.float64)
    """
    return KNN_MODULARITY.of(Samples(features, labels, group=group, progress=progress), k=k)


def _options(k: int = 10) -> Options:
    check_positive(k=k)
    return {"k": k}


def _modularity(samples: Samples, k: int) -> Tensor:
    total, classes = samples.shard.total, samples.classes
    count = len(classes.labels)
    if k >= total:
        reason = f"there are {max(total - 1, 0)} other samples"
        return undefined(f"kNN modularity at k = {k}", reason, samples.features)
    within, ends = torch.zeros(2, count, dtype=torch.int64, device=classes.own.device)
    for part, _, keys in samples.nearest(k):
        own, found = classes.own[part, None].expand_as(keys), classes.all[keys]
        within += torch.bincount(own[own == found], minlength=count)
        ends += torch.bincount(own.flatten(), minlength=count) + torch.bincount(found.flatten(), minlength=count)
    shares, degrees = all_reduce(torch.stack([within, ends]), samples.group).double() / (total * k)
    modularity: Tensor = (shares - (degrees / 2).square()).sum()
    return modularity


KNN_MODULARITY = Measure(
    name="knn_modularity",
    function=knn_modularity,
    score=_modularity,
    options=_options,
    names=lambda k: [f"knn_modularity_{k}"],
    neighbors=lambda k: k,
    family=Family.LOCAL,
    meaning="-1/2 to 1; high: classes are communities of 10 neighbours; 0 by chance",
    paper="Newman, 2006, arXiv physics/0602124",
    cost=search(2),
    range=(-0.5, 1),
    higher_is_better=True,
    needs="labels",
)
