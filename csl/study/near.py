"""Each sample's nearest others, and what they say of it: does its label fit, does it lie alone, is it there twice?"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from csl.metrics.samples import Samples
from csl.pairwise import CosineKeys
from csl.study.image_pairs import closest

NEIGHBORS = 20
_TEMPERATURE = 0.05


class Near(NamedTuple):
    """The nearest others of some samples by cosine, nearest first.

    Attributes:
        similarity: Cosines `[N, k]`, float64.
        index: Which samples they are `[N, k]`, int64.
    """

    similarity: Tensor
    index: Tensor  # type: ignore[assignment]


def nearest(features: Tensor, k: int) -> Near:
    """The k others that are nearest to each row `[N, D]`; all others where there are fewer.

    Raises:
        ValueError: If the features are no finite matrix, or there are fewer than two.

    Example:
        >>> nearest(torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]]), 1).index.flatten().tolist()
        [1, 0, 1]
    """
    if len(features) < 2:
        raise ValueError(f"features: expected at least 2 rows, got {len(features)}")
    parts = [found[1:] for found in Samples(features).nearest(min(k, len(features) - 1))]
    return Near(*(torch.cat(part) for part in zip(*parts, strict=True)))


class Votes(NamedTuple):
    """What the neighbours say of each sample's label.

    Attributes:
        doubt: From −1, where all neighbours have the sample's label, to 1, where all have one other label `[N]`.
        voted: The label that most of them have, the sample's own left out `[N]`; −1 where they all have that.
    """

    doubt: Tensor
    voted: Tensor


def label_votes(near: Near, labels: Tensor) -> Votes:
    """The vote of each sample's neighbours on its label: the share of the best other label less that of its own.

    A neighbour counts `exp(cos / 0.05)`. A sample at the border of two classes gets about 0; one in the middle of
    another class gets 1, and is probably labelled wrongly: what confident learning does with the probabilities of a
    classifier (Northcutt, Jiang, Chuang, 2021, arXiv 1911.00068), without one.

    Args:
        near: The neighbours.
        labels: Class numbers `[N]`, from 0.

    Example:
        >>> features = torch.tensor([[1.0, 0.0], [1.0, 0.1], [1.0, 0.2], [0.0, 1.0], [0.1, 1.0]])
        >>> votes = label_votes(nearest(features, 2), torch.tensor([0, 0, 1, 1, 1]))
        >>> votes.doubt.argmax().item(), votes.voted.tolist()
        (2, [1, 1, 0, -1, -1])
    """
    weights = ((near.similarity - near.similarity[:, :1]) / _TEMPERATURE).exp()
    shares = weights.new_zeros(len(labels), int(labels.max()) + 1)
    shares.scatter_add_(1, labels[near.index], weights / weights.sum(dim=1, keepdim=True))
    own = shares.gather(1, labels[:, None])[:, 0]
    others = shares.scatter(1, labels[:, None], -1.0)
    best, voted = others.max(dim=1)
    return Votes(best.clamp(min=0) - own, torch.where(best > 0, voted, -1))


def loneliness(near: Near) -> Tensor:
    """How far each sample is from its neighbours: 1 less the mean cosine to them, 0 to 2 `[N]`."""
    return 1 - near.similarity.mean(dim=1)


class Pair(NamedTuple):
    """Two samples that lie close together.

    Attributes:
        first: One of them.
        second: The other.
        similarity: Their cosine.
        rank: The place of the second among the neighbours of the first, from 1.
    """

    first: int
    second: int
    similarity: float
    rank: int


def closest_of_different_classes(features: Tensor, labels: Tensor, count: int) -> list[Pair]:
    """The pairs of different labels with the highest cosine, highest first.

    Args:
        features: Rows of length 1 `[N, D]`.
        labels: Class numbers `[N]`.
        count: At most so many.
    """
    found = closest(features, count, lambda rows: labels[rows, None] != labels)
    pairs = ranked(features, [(int(first), int(second)) for first, second in found.tolist()])
    return sorted(pairs, key=lambda pair: -pair.similarity)


def ranked(features: Tensor, pairs: Sequence[tuple[int, int]]) -> list[Pair]:
    """Pairs of rows of length 1 `[N, D]` with their cosine, and the rank of the second among the first's neighbours."""
    rows = features.double()
    found = []
    for first, second in pairs:
        similar = rows @ rows[first]
        similar[first] = -torch.inf
        rank = int((similar > similar[second]).sum()) + 1
        found.append(Pair(first, second, float(similar[second]), rank))
    return found


def nearest_in(features: Tensor, others: Tensor) -> Near:
    """For each row `[n, D]` the nearest row of another set `[N, D]`, such as the training set."""
    similarity, index = CosineKeys(others).top(features, 1)
    return Near(similarity, index)
