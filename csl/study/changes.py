"""What differs between encoders of the same images: how alike they are, and whose neighbours changed."""

from collections.abc import Sequence
from itertools import combinations

from torch import Tensor

from csl.metrics.comparison import similarity
from csl.study.entries import Entry
from csl.study.near import nearest
from csl.table import Cell, Table

K = 10


def similarity_table(entries: Sequence[Entry]) -> Table:
    """One row for each pair of encoders: linear CKA, Procrustes, shared neighbours, information imbalance."""
    rows: list[list[Cell]] = []
    names: list[str] = []
    for first, second in combinations(entries, 2):
        found = similarity(first.subject.val.features, second.subject.val.features, ks=[K])
        names = list(found)
        rows.append([first.subject.name, second.subject.name, *found.values()])
    return Table(["first", "second", *names], rows)


def kept_neighbors(first: Entry, second: Entry, k: int = K) -> Tensor:
    """For each image, the share of its k nearest neighbours in one encoder that are so in the other, too `[N]`.

    Args:
        first: One encoder.
        second: Another, of the same images.
        k: How many neighbours, less where there are fewer.
    """
    near = [nearest(entry.subject.val.features, k).index for entry in (first, second)]
    return (near[0][:, :, None] == near[1][:, None, :]).any(dim=2).double().mean(dim=1)


def changed_classes(kept: Tensor, labels: Tensor, names: Sequence[str]) -> Table:
    """One row for each class: the mean share of neighbours that its images keep, most changed first.

    Example:
        >>> import torch
        >>> print(changed_classes(torch.tensor([0.5, 1.0, 0.0]), torch.tensor([0, 0, 1]), ["cat", "dog"]).markdown())
        | class | images | neighbours kept |
        | --- | --- | --- |
        | dog | 1 | 0.0000 |
        | cat | 2 | 0.7500 |
    """
    rows: list[list[Cell]] = []
    for number, name in enumerate(names):
        own = kept[labels == number]
        if len(own):
            rows.append([name, len(own), float(own.mean())])
    return Table(["class", "images", "neighbours kept"], sorted(rows, key=lambda row: float(row[2] or 0)))
