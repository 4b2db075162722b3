"""Count, mean and scatter of each class: all that dispersion measures ask of the features."""

from typing import NamedTuple

import torch
from torch import Tensor

from csl.distributed import Group, gather_rows, row_counts
from csl.pairwise import blocks

_ROWS = 1024  # rows converted to float64 at a time


class Moments(NamedTuple):
    """First and second moments of the samples of each class, float64.

    Attributes:
        classes: Labels `[C]`, int64.
        counts: Number of samples `[C]`.
        means: Mean of the samples `[C, D]`.
        scatter: Sum of squared deviations from that mean, one a dimension `[C, D]`.
    """

    classes: Tensor
    counts: Tensor
    means: Tensor
    scatter: Tensor

    @property
    def overall(self) -> "Moments":
        """The moments of all samples together, as of one class."""
        return pool(self._replace(classes=torch.zeros_like(self.classes)))


def pool(entries: Moments) -> Moments:
    """One entry a class, classes ascending, from any number of entries of each.

    Deviations are measured from means, never taken as differences of large sums, so that an offset costs no digits.
    """
    classes, index = torch.unique(entries.classes, return_inverse=True)
    weights = entries.counts[:, None]
    counts = entries.counts.new_zeros(len(classes)).index_add_(0, index, entries.counts)
    table = entries.means.new_zeros(len(classes), entries.means.shape[1])
    means = table.index_add(0, index, weights * entries.means) / counts[:, None]
    deviations = weights * (entries.means - means[index]).square()
    return Moments(classes, counts, means, table.index_add(0, index, deviations + entries.scatter))


def join(*parts: Moments) -> Moments:
    """The entries of all parts, not yet pooled."""
    return Moments(*(torch.cat(columns) for columns in zip(*parts, strict=True)))


def class_moments(features: Tensor, labels: Tensor) -> Moments:
    """The moments of these samples `[N, D]` with these labels `[N]`.

    Example:
        >>> class_moments(torch.tensor([[1.0], [3.0], [5.0]]), torch.tensor([0, 0, 1])).means
        tensor([[2.],
                [5.]], dtype=torch.float64)
    """
    moments = _rows(features[:0], labels[:0])
    for part in blocks(len(features), _ROWS):
        moments = pool(join(moments, _rows(features[part], labels[part])))
    return moments


def reduce_moments(moments: Moments, group: Group = None) -> Moments:
    """The moments of the whole group's samples, on every process."""
    if group is None:
        return pool(moments)
    counts = row_counts(len(moments.classes), group)
    dimension = moments.means.shape[1]
    numbers = torch.cat([moments.counts[:, None], moments.means, moments.scatter], dim=1)  # together: one gather less
    classes, numbers = (gather_rows(part, group, counts) for part in (moments.classes, numbers))
    return pool(Moments(classes, numbers[:, 0], numbers[:, 1 : dimension + 1], numbers[:, dimension + 1 :]))


def _rows(features: Tensor, labels: Tensor) -> Moments:
    means = features.double()
    counts = torch.ones(len(means), dtype=torch.float64, device=means.device)
    return Moments(labels.long().to(means.device), counts, means, torch.zeros_like(means))
