"""An evaluation set with its neighbours and its pairs, which several measures go over together."""

import math
import weakref
from collections.abc import Iterator, Sequence
from functools import cached_property

import torch
from torch import Tensor

from csl.distributed import Group, all_reduce, any_process
from csl.metrics.directions import directions
from csl.metrics.evaluation_set import EvaluationSet
from csl.metrics.neighbors import Neighbors, without_direction
from csl.pairwise import (
    MEMORY_BUDGET,
    ClassDistances,
    ClassSums,
    LabeledPairs,
    NearestClasses,
    Pairs,
    Precision,
    Progress,
    SampleSums,
    Streaming,
    all_distance_sums,
    class_distance_sums,
    distances_within,
    in_mean_distances,
    nearest_classes,
    sample_sums,
    weight_block_sums,
    weight_class_sums,
)

_MANY = 3  # passes that several measures make over the same pairs, for which distances are kept


class Samples(EvaluationSet):
    """An evaluation set that remembers what several measures ask of it: neighbours, pairs, and sums over pairs.

    Args:
        features: This process's rows `[n, D]`, any floating dtype.
        labels: Their labels `[n]`, any integers but −1; None if there are none.
        group: The processes that hold the other rows; None for one process.
        normalize: Take the rows with length 1, in float32 unless they are float64.
        neighbors: How many nearest others measures will ask for: one search finds the most of them.
        shared: Whether several measures will ask: large results, such as neighbours, are kept for the next one.
        memory_budget: As in `csl.pairwise.Streaming`, like what follows.
        precision: "ieee" or "tf32".
        progress: Called now and then with the share of the work that is done; may be set anew for each measure.
        tile_side: How many rows and columns are worked on at a time.

    Example:
        >>> samples = Samples(torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]]))
        >>> for rows, similarities, numbers in samples.nearest(1):
        ...     print(numbers[:, 0])
        tensor([1, 0, 1])
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
        tile_side: int | None = None,
    ) -> None:
        super().__init__(features, labels, group=group, normalize=normalize)
        self.shared = shared
        self.memory_budget, self.precision, self.progress = memory_budget, precision, progress
        self._tile_side = tile_side
        self._expected = tuple(neighbors)
        self._class_sums: dict[tuple[float, ...], ClassSums] = {}
        self._pairs: Pairs | None = None
        self._directed: Pairs | None = None
        self._labeled: LabeledPairs | None = None
        self._sums: Tensor | None = None

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
            tile_side=self._tile_side,
        )

    def nearest(self, k: int) -> Iterator[tuple[slice, Tensor, Tensor]]:
        """The k others of the group that are nearest by cosine, for blocks of this process's samples.

        Args:
            k: How many, from 1 to N − 1.

        Yields:
            Own rows `[b]` as a slice, similarities `[b, k]`, descending, and global row numbers `[b, k]`; all
            processes take as many blocks, of which some may be empty.
        """
        most = max([k, *(wanted for wanted in self._expected if wanted < self.shard.total)])
        yield from self._neighbors.nearest(k, most, keep=self.shared, progress=self.progress)

    @cached_property
    def knows_nearest(self) -> bool:
        """Whether the nearest by distance are those by cosine, for rows of length 1, and found for others anyway."""
        others = any(wanted > 2 for wanted in self._expected)
        return self.normalize and others and not any_process(bool(without_direction(self.features)), self.group)

    @cached_property
    def _neighbors(self) -> Neighbors:
        # No reference back: the memory of a set is to be given back as soon as nobody asks for it any more.
        samples = weakref.proxy(self)
        return Neighbors(self.features, self.shard, lambda: samples.direction_pairs(1))

    def class_sums(self, temperatures: Sequence[float]) -> ClassSums:
        """Sums of the similarity w within classes and over their rows, as `csl.pairwise.weight_class_sums` has them."""
        key = tuple(temperatures)
        if key not in self._class_sums:
            self._class_sums[key] = weight_class_sums(self._labeled_pairs(3), key)
        return self._class_sums[key]

    def block_sums(self, temperatures: Sequence[float]) -> Tensor:
        """Sums of the similarity w over pairs of classes `[T, C, C]`, as `csl.pairwise.weight_block_sums` has them."""
        return weight_block_sums(self._labeled_pairs(3), temperatures)

    def sample_sums(self, temperatures: Sequence[float]) -> SampleSums:
        """Sums of the similarity w over own samples' pairs `[T, n]`, as `csl.pairwise.sample_sums` has them."""
        return SampleSums(*map(self._own_in_place, sample_sums(self._labeled_pairs(3), temperatures)))

    def nearest_classes(self) -> NearestClasses:
        """Distances of own samples' directions to the nearest of their class, and of another `[n]`.

        A row of zeros has no direction: it is as far from all others as what is at right angles.
        """
        zero = ~self.features.any(dim=1)[self._class_order]
        apart = (self.shard.gather(zero), math.sqrt(2)) if any_process(bool(zero.any()), self.group) else None
        return NearestClasses(*map(self._own_in_place, nearest_classes(self._labeled_direction_pairs(), apart)))

    def class_distances(self) -> Iterator[ClassDistances]:
        """Distances of own samples to each class, as `csl.pairwise.class_distance_sums` has them."""
        labeled = self._labeled_pairs(1)
        if (sums := self._distance_sums(labeled)) is None:
            yield from class_distance_sums(labeled, self.memory_budget)
        else:
            yield ClassDistances(labeled.classes[self.shard.own], sums)
            _ = labeled.pairs.scale  # refuses collapsed features

    def distances_within(self) -> tuple[Tensor, Tensor]:
        """Sums of distances within and between classes, as `csl.pairwise.distances_within` has them."""
        labeled = self._labeled_pairs(1)
        if (sums := self._distance_sums(labeled)) is None:
            return distances_within(labeled)
        within = sums.gather(1, labeled.classes[self.shard.own, None]).sum()
        return in_mean_distances(labeled.pairs, all_reduce(torch.stack([within, sums.sum() - within]), self.group))

    def pairs(self, passes: int) -> Pairs:
        """The pairs of the samples, for so many passes over them."""
        if self._has_classes:
            return self._labeled_pairs(passes).pairs
        if not self.shared:
            return Pairs(self.features, self.shard, passes=passes, **self._streaming)
        self._pairs = self._pairs or Pairs(self.features, self.shard, passes=_MANY, **self._streaming)
        self._pairs.begin(passes, self.progress)
        return self._pairs

    def direction_pairs(self, passes: int) -> Pairs:
        """The pairs of the samples' directions, for so many passes over them."""
        if self.normalize:
            return self.pairs(passes)
        if self._directed is None:
            self.release()  # other pairs than those of the rows: no room is left for both
            planned = _MANY if self.shared else passes
            pairs = Pairs(directions(self.features, torch.float32), self.shard, passes=planned, **self._streaming)
            self._directed = pairs if self.shared else None
        else:
            pairs = self._directed
        pairs.begin(passes, self.progress)
        return pairs

    def _labeled_direction_pairs(self) -> LabeledPairs:
        if self.normalize:
            return self._labeled_pairs(1)
        self.release()
        rows = directions(self.features, torch.float32)
        return LabeledPairs.of(rows, self.classes.own, len(self.classes.labels), self.shard, 1, **self._streaming)

    @cached_property
    def _class_order(self) -> Tensor:
        return self.classes.own.argsort(stable=True)

    def _own_in_place(self, values: Tensor) -> Tensor:
        """Own samples' values `[..., n]` in their order, from those of all, in the order of labelled pairs."""
        found = values.new_empty(*values.shape[:-1], len(self._class_order))
        found[..., self._class_order] = values[..., self.shard.own]
        return found

    def release(self) -> None:
        """Forget what takes most memory: nobody will go over the pairs any more."""
        self._pairs = self._directed = self._labeled = self._sums = None

    def _labeled_pairs(self, passes: int) -> LabeledPairs:
        numbered = self.features, self.classes.own, len(self.classes.labels), self.shard
        if not self.shared:
            return LabeledPairs.of(*numbered, passes, **self._streaming)
        self._labeled = self._labeled or LabeledPairs.of(*numbered, _MANY, **self._streaming)
        self._labeled.pairs.begin(passes, self.progress)
        return self._labeled

    def _distance_sums(self, labeled: LabeledPairs) -> Tensor | None:
        """Each own sample's sums of distances to each class `[n, C]`, where they may be kept."""
        if not self.shared or 8 * self.shard.total * labeled.num_classes > self.memory_budget // 4:
            return None
        if self._sums is None:
            self._sums = all_distance_sums(labeled)[self.shard.own].clone()
        return self._sums

    @cached_property
    def _has_classes(self) -> bool:
        """Whether there are labels, and they are right: then the rows can be in their order for everybody."""
        if self._labels is None or not self.shared:
            return False
        try:
            return bool(len(self.classes.labels))
        except ValueError:
            return False

    @property
    def _streaming(self) -> Streaming:
        streaming: Streaming = {"memory_budget": self.memory_budget, "precision": self.precision}
        if self.progress is not None:
            streaming["progress"] = self.progress
        if self._tile_side is not None:
            streaming["tile_side"] = self._tile_side
        return streaming
