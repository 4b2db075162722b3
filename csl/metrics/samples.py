"""One evaluation set, checked once, which remembers what several measures ask of it."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from csl.distributed import Group, Shard
from csl.metrics.checks import check_labels
from csl.metrics.comoments import Spectrum, comoments, reduce_comoments
from csl.metrics.directions import direction_moments, directions
from csl.metrics.moments import Moments, class_moments, reduce_moments
from csl.metrics.neighbors import Neighbors
from csl.pairwise import (
    MEMORY_BUDGET,
    ClassDistances,
    ClassSums,
    Precision,
    Progress,
    Streaming,
    class_distance_sums,
    distances_within,
    weight_block_sums,
    weight_class_sums,
)
from csl.pairwise.checks import check_features
from csl.pairwise.pairs import Pairs


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


class Samples:
    """An evaluation set: features, labels, and who holds which rows.

    Every property is computed when it is first asked for. What is wrong with the features or the labels is said then,
    on every process, so that measures that need no labels do not mind unlabelled samples.

    Args:
        features: This process's rows `[n, D]`, any floating dtype.
        labels: Their labels `[n]`, any integers but −1; None if there are none.
        group: The processes that hold the other rows; None for one process.
        normalize: Take the rows with length 1, in float32 unless they are float64.
        neighbors: How many nearest others measures will ask for: one search finds the most of them.
        shared: Whether several measures will ask: large results, such as neighbours, are kept for the next one.
        memory_budget: As in `csl.pairwise.Streaming`, like the two that follow.
        precision: "ieee" or "tf32".
        progress: Called now and then with the share of the work that is done; may be set anew for each measure.

    Example:
        >>> samples = Samples(torch.tensor([[1.0], [3.0], [5.0]]), torch.tensor([7, 7, 3]))
        >>> samples.classes.labels, samples.classes.own, samples.class_moments.means[:, 0]
        (tensor([3, 7]), tensor([1, 1, 0]), tensor([5., 2.], dtype=torch.float64))
    """

    def __init__(
        self,
        features: Tensor,
        labels: Tensor | None = None,
        *,
        group: Group = None,
        normalize: bool = False,
        neighbors: Sequence[int] = (),
        shared: bool = False,
        memory_budget: int = MEMORY_BUDGET,
        precision: Precision = "ieee",
        progress: Progress | None = None,
    ) -> None:
        self.group, self.normalize, self.shared = group, normalize, shared
        self.memory_budget, self.precision, self.progress = memory_budget, precision, progress
        self._features, self._labels, self._expected = features, labels, tuple(neighbors)

    def streamed(self, memory_budget: int, precision: Precision) -> "Samples":
        """The same set under other settings of `csl.pairwise.Streaming`; itself if these are its own."""
        if (memory_budget, precision) == (self.memory_budget, self.precision):
            return self
        return Samples(
            self._features,
            self._labels,
            group=self.group,
            normalize=self.normalize,
            memory_budget=memory_budget,
            precision=precision,
            progress=self.progress,
        )

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

    def nearest(self, k: int) -> Iterator[tuple[slice, Tensor, Tensor]]:
        """The k others of the group that are nearest by cosine, for blocks of this process's samples.

        Args:
            k: How many, from 1 to N − 1.

        Yields:
            Own rows `[b]` as a slice, similarities `[b, k]`, descending, and global row numbers `[b, k]`; all
            processes take as many blocks, of which some may be empty.
        """
        most = max([k, *(wanted for wanted in self._expected if wanted < self.shard.total)])
        return self._neighbors.nearest(k, most, keep=self.shared, progress=self.progress)

    @cached_property
    def _neighbors(self) -> Neighbors:
        return Neighbors(self.features, self.shard)

    def class_sums(self, temperatures: Sequence[float]) -> ClassSums:
        """Sums of the similarity w within classes and over their rows, as `csl.pairwise.weight_class_sums` has them."""
        return weight_class_sums(*self._numbered, temperatures, group=self.group, **self._streaming)

    def block_sums(self, temperatures: Sequence[float]) -> Tensor:
        """Sums of the similarity w over pairs of classes `[T, C, C]`, as `csl.pairwise.weight_block_sums` has them."""
        return weight_block_sums(*self._numbered, temperatures, group=self.group, **self._streaming)

    def class_distances(self) -> Iterator[ClassDistances]:
        """Distances of own samples to each class, as `csl.pairwise.class_distance_sums` has them."""
        return class_distance_sums(*self._numbered, group=self.group, **self._streaming)

    def distances_within(self) -> tuple[Tensor, Tensor]:
        """Sums of distances within and between classes, as `csl.pairwise.distances_within` has them."""
        return distances_within(self.features, self.classes.own, group=self.group, **self._streaming)

    def pairs(self, passes: int) -> Pairs:
        """The pairs of the samples, for so many passes over them."""
        return Pairs(self.features, group=self.group, passes=passes, **self._streaming)

    def direction_pairs(self, passes: int) -> Pairs:
        """The pairs of the samples' directions, for so many passes over them."""
        rows = directions(self.features, torch.float32)
        return Pairs(rows, group=self.group, passes=passes, **self._streaming)

    @property
    def _numbered(self) -> tuple[Tensor, Tensor, int]:
        return self.features, self.classes.own, len(self.classes.labels)

    @property
    def _streaming(self) -> Streaming:
        streaming: Streaming = {"memory_budget": self.memory_budget, "precision": self.precision}
        if self.progress is not None:
            streaming["progress"] = self.progress
        return streaming
