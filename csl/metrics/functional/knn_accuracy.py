"""Accuracy of a vote among each sample's nearest neighbours."""

from dataclasses import replace

import torch
from torch import Tensor

from csl.checks import check_positive, check_temperature
from csl.distributed import Group, all_reduce
from csl.metrics.measure import Family, Measure, Options, search
from csl.metrics.samples import Samples
from csl.metrics.undefined import undefined
from csl.pairwise import Progress, blocks

_VOTES = 2**24  # votes counted at a time, of samples and classes


def knn_accuracy(
    features: Tensor,
    labels: Tensor,
    k: int = 20,
    temperature: float | None = 0.07,
    *,
    group: Group = None,
    progress: Progress | None = None,
) -> Tensor:
    """Share of samples whose k nearest others, by cosine, elect their class.

    A neighbour with similarity s votes with weight `exp(s / T)`, or each with weight 1 for a temperature of None; ties
    go to the class that has the nearer neighbour. Leave-one-out: a sample has no vote on itself. Between 0 and 1; high
    where the space is locally dense, whatever its global shape. `csl.probes.KNNProbe` lets one set vote on another. See
    Wu et al., "Unsupervised Feature Learning via Non-Parametric Instance Discrimination" (2018, arXiv 1805.01978).

    Args:
        features: This process's rows `[n, D]`, any floating dtype.
        labels: Their classes `[n]`, any integers but −1.
        k: Number of neighbours.
        temperature: T of the weighted vote; None for the plain one.
        group: The processes that hold the other rows; None for one process.
        progress: Called now and then with the share of this process's work that is done, from 0 to 1.

    Returns:
        float64 scalar; NaN, with a warning, for k of N or more.

    Raises:
        ValueError: If features are no finite matrix, labels do not match or hold −1, k is below 1, or T not positive.

    Example:
        >>> x = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
        >>> knn_accuracy(x, torch.tensor([0, 0, 1, 1]), k=1)
        tensor(1., dtype=torch.float64)
    """
    samples = Samples(features, labels, group=group, progress=progress)
    return KNN_ACCURACY.of(samples, k=k, temperature=temperature)


def _options(k: int = 20, temperature: float | None = 0.07) -> Options:
    check_positive(k=k)
    if temperature is not None:
        check_temperature(temperature=temperature)
    return {"k": k, "temperature": temperature}


def _names(k: int, temperature: float | None) -> list[str]:
    return [f"{'plain_' if temperature is None else ''}knn_accuracy_{k}"]


def _accuracy(samples: Samples, k: int, temperature: float | None) -> Tensor:
    labels, _, all_classes, own = samples.classes
    if k >= samples.shard.total:
        others = max(samples.shard.total - 1, 0)
        return undefined(f"kNN accuracy at k = {k}", f"there are {others} other samples", samples.features)
    correct = torch.zeros((), dtype=torch.float64, device=own.device)
    for part, similarity, keys in samples.nearest(k):
        correct += (vote(similarity, all_classes[keys], len(labels), temperature) == own[part]).sum()
    return all_reduce(correct, samples.group) / samples.shard.total


def vote(similarity: Tensor, classes: Tensor, num_classes: int, temperature: float | None) -> Tensor:
    """The class that wins each row's vote `[q]`.

    Args:
        similarity: Cosine of each neighbour `[q, k]`, descending.
        classes: Their classes `[q, k]`, from 0.
        num_classes: How many classes there are.
        temperature: Votes weigh `exp(similarity / temperature)`, or the same each for None.

    Example:
        >>> vote(torch.tensor([[0.9, 0.1, 0.1]]), torch.tensor([[0, 1, 1]]), 2, temperature=0.1)
        tensor([0])
        >>> vote(torch.tensor([[0.9, 0.1, 0.1]]), torch.tensor([[0, 1, 1]]), 2, temperature=None)
        tensor([1])
    """
    scores = similarity.double()
    # Relative to the nearest, so that no temperature overflows; a common factor leaves the winner as it is.
    relative = scores - scores[:, :1]
    weights = torch.ones_like(scores) if temperature is None else torch.exp(relative / temperature)
    winners = torch.empty_like(classes[:, 0])
    for part in blocks(len(classes), max(1, _VOTES // max(1, num_classes))):
        votes = weights.new_zeros(part.stop - part.start, num_classes).scatter_add_(1, classes[part], weights[part])
        # The first neighbour whose class has the most votes; a choice by label would depend on what classes are called.
        first = votes.gather(1, classes[part]).argmax(dim=1, keepdim=True)
        winners[part] = classes[part].gather(1, first)[:, 0]
    return winners


KNN_ACCURACY = Measure(
    name="knn_accuracy",
    function=knn_accuracy,
    score=_accuracy,
    options=_options,
    names=_names,
    neighbors=lambda k, temperature: k,
    family=Family.LOCAL,
    meaning="0 to 1; high: weighted votes of 20 neighbours are right",
    paper="Wu et al., 2018, arXiv 1805.01978",
    cost=search(2),
    range=(0, 1),
    higher_is_better=True,
    needs="labels",
)
PLAIN_KNN_ACCURACY = replace(
    KNN_ACCURACY,
    name="plain_knn_accuracy",
    panel=lambda choices: [{"temperature": None}],
    meaning="0 to 1; high: equal votes of 20 neighbours are right",
    in_default=False,
)
