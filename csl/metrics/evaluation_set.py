"""One evaluation set: features, labels, and who holds which rows, checked once, and their moments."""

from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from csl.distributed import Group, Shard
from csl.metrics.checks import check_labels
from csl.metrics.comoments import Spectrum, comoments, reduce_comoments
from csl.metrics.directions import direction_moments, directions
from csl.metrics.moments import Moments, class_moments, reduce_moments
from csl.pairwise import check_features


class Classes(NamedTuple):
    """The classes of a set of samples.

    Attributes:
        labels: What they are called, ascending `[C]`, int64.
        counts: How many samples of the group each has `[C]`, float64.
        all: The position in `labels` of each of the group's samples `[N]`, int64.
        own: That of each of this process's samples `[n]`, int64.
    """

    labels: Tensor
    counts: Tensor
    all: Tensor
    own: Tensor


class EvaluationSet:
    """Features, labels, and who holds which rows.

    Every property is computed when it is first asked for. What is wrong with the features or the labels is said then,
    on every process, so that measures that need no labels do not mind unlabelled samples.

    Args:
        features: This process's rows `[n, D]`, any floating dtype.
        labels: Their labels `[n]`, any integers but −1; None if there are none.
        group: The processes that hold the other rows; None for one process.
        normalize: Take the rows with length 1, in float32 unless they are float64.

    Example:
        >>> samples = EvaluationSet(torch.tensor([[1.0], [3.0], [5.0]]), torch.tensor([7, 7, 3]))
        >>> samples.classes.labels, samples.classes.own, samples.class_moments.means[:, 0]
        (tensor([3, 7]), tensor([1, 1, 0]), tensor([5., 2.], dtype=torch.float64))
    """

    def __init__(
        self, features: Tensor, labels: Tensor | None = None, *, group: Group = None, normalize: bool = False
    ) -> None:
        self._features, self._labels, self.group, self.normalize = features, labels, group, normalize

    @cached_property
    def features(self) -> Tensor:
        """This process's rows `[n, D]`.

        Raises:
            ValueError: If they are no finite floating-point matrix.
        """
        rows = self._features.detach()
        check_features(rows, self.group)
        return directions(rows, torch.promote_types(rows.dtype, torch.float32)) if self.normalize else rows

    @cached_property
    def shard(self) -> Shard:
        """Which rows this process owns."""
        return Shard.of(len(self.features), self.group)

    @cached_property
    def labels(self) -> Tensor:
        """This process's labels `[n]`, int64, where the features are.

        Raises:
            ValueError: If they are not one integer a row, or hold −1.
        """
        labels = self._labels if self._labels is not None else self.features.new_zeros(0)
        check_labels(self.features, labels, self.group)
        return labels.to(self.features.device).long()

    @cached_property
    def classes(self) -> Classes:
        """The classes of the group's samples."""
        names, index, counts = torch.unique(self.shard.gather(self.labels), return_inverse=True, return_counts=True)
        return Classes(names, counts.double(), index, index[self.shard.own])

    @cached_property
    def class_moments(self) -> Moments:
        """Count, mean and scatter of each class."""
        return reduce_moments(class_moments(self.features, self.labels), self.group)

    @cached_property
    def direction_moments(self) -> Moments:
        """Count, mean and scatter of each class's directions."""
        if self.normalize:
            return self.class_moments
        return reduce_moments(direction_moments(self.features, self.labels), self.group)

    @cached_property
    def overall_direction_moments(self) -> Moments:
        """Count, mean and scatter of all directions together, as of one class."""
        together = torch.zeros(len(self.features), dtype=torch.int64, device=self.features.device)
        return reduce_moments(direction_moments(self.features, together), self.group)

    @cached_property
    def spectrum(self) -> Spectrum:
        """Eigenvalues of the covariance, and singular values."""
        return Spectrum(reduce_comoments(comoments(self.features), self.group))
