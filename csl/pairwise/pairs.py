"""The pairs of a set of samples: passes over them as streams of tiles, and what the first pass measures."""

import math
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, partial
from typing import TypeVar

import torch
from torch import Tensor

from csl.checks import check_positive, check_range
from csl.distributed import Shard, all_reduce
from csl.pairwise.centering import center
from csl.pairwise.checks import UndefinedSimilarityError
from csl.pairwise.streaming import MEMORY_BUDGET, PassCount, Precision, Progress
from csl.pairwise.tiles import Cut, Tile, row_cuts, symmetric_cuts
from csl.pairwise.workers import Buffers, Memory, with_memory, worker_count

COLLAPSED = 1e-6  # a mean distance below this share of the root-mean-square norm is rounding, not structure
_SIDE_CPU, _SIDE_CUDA = 1024, 8192  # rows and columns of a tile

Result = TypeVar("Result")
Work = Callable[[Tile, Buffers], Result]


class Pairs:
    """All pairs of the group's samples; every pass over them is a sum over tiles.

    The distances are kept for a next pass where they fit `memory_budget` on every process, else computed again:
    memory beyond that is the float32 copy of this process's rows, two visiting shards and a third while the last tiles
    of the one before are worked on, three tiles for each worker, and a few float64 numbers a row and temperature.

    Args:
        features: This process's rows `[n, D]`, checked: any floating dtype, finite.
        shard: Which rows these are; None for all of one process.
        order: Take this process's rows in this order `[n]`.
        passes: How many passes there will be; for a single one nothing is kept.
        memory_budget: How many bytes of distances each process may keep.
        precision: What the features are rounded to; see `Streaming`, like the two that follow.
        progress: Called with the share of all passes that is done, 0 to 1, after each tile.
        tile_side: How many rows and columns a tile has at most.

    Raises:
        ValueError: If the budget, the precision or the side are none.

    Example:
        >>> pairs = Pairs(torch.tensor([[0.0], [1.0], [3.0]]))
        >>> round(float(pairs.mean), 6)
        2.0
        >>> [found for _, found in pairs.each(lambda tile, buffers: tile.distances.amin(dim=1))]  # 3 is the unit
        [tensor([0.3333, 0.3333, 0.6667])]
    """

    def __init__(
        self,
        features: Tensor,
        shard: Shard | None = None,
        *,
        order: Tensor | None = None,
        passes: int = 2,
        memory_budget: int = MEMORY_BUDGET,
        precision: Precision = "ieee",
        progress: Progress | None = None,
        tile_side: int | None = None,
    ) -> None:
        check_range("memory_budget", memory_budget)
        self.shard = shard or Shard.of(len(features))
        self.group, self.num_rows = self.shard.group, self.shard.total
        self.order, self.device = order, features.device
        self.own = center(features, group=self.group, order=order, precision=precision)
        self.side = tile_side or (_SIDE_CPU if self.device.type == "cpu" else _SIDE_CUDA)
        check_positive(tile_side=self.side)
        # Decided from numbers all processes share: those that compute again exchange shards, so all of them must.
        self._entries = max(self.shard.counts) * (self.num_rows + 2 * self.side) // 2
        self.keeps = passes > 1 and 4 * self._entries <= memory_budget
        self.count = PassCount(passes, progress)
        self._kept: list[Tile] | None = None
        self._mean: Tensor | None = None
        self._nearest: Tensor | None = None

    def begin(self, passes: int, progress: Progress | None = None) -> None:
        """From now on tell of the share of so many passes; for somebody else who goes over the same pairs."""
        self.count = PassCount(passes, progress)

    def each(self, work: Work[Result]) -> Iterator[tuple[Tile, Result]]:
        """Tiles that cover each unordered pair once across the group, and what `work` makes of them, in their order.

        Several tiles are worked on at a time. Of the tile that comes with a result only its place is to be read.

        Args:
            work: Given a tile, whose distances it must not write to, and two buffers of its shape, which it may.
        """
        yield from self._symmetric(work, self._workers)

    def each_of_rows(self, work: Work[Result], rows: slice = slice(None)) -> Iterator[tuple[Tile, Result]]:
        """Tiles of this process's rows, or of some, against all columns of the group; all else as in `each`.

        Args:
            work: As in `each`.
            rows: Which of the own rows, as `csl.pairwise.tiles.row_cuts` takes them.
        """
        cuts = row_cuts(self.own, self.side, self.shard, rows=rows)
        yield from self._pass(work, cuts, self._workers, rows=rows)

    def visit(self, work: Work[None]) -> None:
        """Let `work` see all pairs of this process's rows: the tiles of `each` for one process, else `each_of_rows`."""
        for _ in self.each(work) if self.group is None else self.each_of_rows(work):
            pass

    def tiles(self) -> Iterator[Tile]:
        """The tiles that `visit` shows, one at a time.

        Their distances are not to be written to, and may be gone when the next tile is asked for.
        """
        if self.group is None:
            found = self._symmetric(_nothing, workers=1)
        else:
            found = self._pass(_nothing, row_cuts(self.own, self.side, self.shard), workers=1)
        yield from (tile for tile, _ in found)

    def measure(
        self,
        work: Work[Result] | None = None,
        take: Callable[[Tile, Result], None] | None = None,
        *,
        nearest: bool = False,
    ) -> None:
        """One pass that measures the mean distance, each sample's nearest if that is wanted, and what `work` does.

        Args:
            work: As in `each`.
            take: Called with each tile and what `work` made of it, in their order.
            nearest: Whether to measure each sample's distance to its nearest.
        """
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        least = torch.full((self.num_rows,), math.inf, device=self.device)
        for tile, (distance, found, result) in self.each(partial(_measured, work, nearest)):
            total += distance
            if found is not None:
                for place, lowest in zip((tile.rows, tile.columns), found, strict=True):
                    least[place] = torch.minimum(least[place], lowest)
            if take is not None and result is not None:
                take(tile, result)
        self.know_mean(all_reduce(total, self.group))
        if nearest:
            self._nearest = all_reduce(least, self.group, "min")

    @property
    def knows_mean(self) -> bool:
        """Whether `mean` and `scale` take no pass."""
        return self._mean is not None

    def know_mean(self, total: Tensor) -> None:
        """Take the mean from the sum of all ordered pairs' distances, in units of the tiles."""
        # 0 / 0 is the NaN that a mean over no pairs is.
        self._mean = total / (self.num_rows * (self.num_rows - 1))

    @property
    def knows_nearest(self) -> bool:
        """Whether `nearest` takes no pass."""
        return self._nearest is not None

    @property
    def nearest(self) -> Tensor:
        """Each sample's distance to its nearest neighbour `[N]`, float32, in units of the tiles; a pass, once."""
        if self._nearest is None:
            self.measure(nearest=True)
        assert self._nearest is not None
        return self._nearest

    @cached_property
    def norms(self) -> tuple[float, float]:
        """The least and the largest distance of a sample to the middle of all, in units of the tiles.

        By the triangle their sum is no less than the distance of any sample to its nearest, and twice the largest no
        less than any distance.
        """
        least, largest = self.own.squares.new_tensor([math.inf, 0.0]).unbind()
        if len(self.own.squares):
            least, largest = self.own.squares.aminmax()
        negated, largest = all_reduce(torch.stack([-least, largest]), self.group, "max").tolist()
        return math.sqrt(-negated), math.sqrt(largest)

    @property
    def _mean_distance(self) -> Tensor:
        if self._mean is None:
            self.measure()
        assert self._mean is not None
        return self._mean

    @property
    def mean(self) -> Tensor:
        """Mean distance over all pairs, float64 scalar, in units of the features; NaN for fewer than two samples."""
        return self._mean_distance * self.own.unit

    @property
    def scale(self) -> float:
        """The mean distance in units of the tiles, by which similarities are measured.

        Raises:
            UndefinedSimilarityError: If there are fewer than two samples, or all lie in one place.
        """
        return self.checked_scale(float(self._mean_distance))

    def checked_scale(self, mean: float) -> float:
        """A mean distance in units of the tiles, if it is one to measure similarities by; as in `scale`.

        Raises:
            UndefinedSimilarityError: If there are fewer than two samples, or all lie in one place.
        """
        return checked_scale(mean, self.num_rows, self.own.norm, self.own.unit)

    @property
    def _workers(self) -> int:
        return worker_count(self.device) if self.num_rows > self.side else 1

    def _symmetric(self, work: Work[Result], workers: int) -> Iterator[tuple[Tile, Result]]:
        if self._kept is not None:
            yield from self._pass(work, self._kept, workers)
            return
        cuts = symmetric_cuts(self.own, self.side, self.shard)
        if not self.keeps:
            yield from self._pass(work, cuts, workers)
            return
        kept = []
        for tile, result in self._pass(work, self._placed(cuts), workers):
            kept.append(tile)
            yield tile, result
        self._kept = kept

    def _placed(self, cuts: Iterable[Cut]) -> Iterator[tuple[Cut, Tensor]]:
        """Cuts with memory for their tiles, in one piece: many small ones are not given back when they are freed.

        Where the processes' shares differ much, one may have more pairs than there is room for: what is over gets
        memory of its own.
        """
        free = self._memory(self._entries)
        for cut in cuts:
            count = cut.shape[0] * cut.shape[1]
            if count > len(free):
                free = self._memory(count)
            own, free = free[:count], free[count:]
            yield cut, own.view(cut.shape)

    def _memory(self, entries: int) -> Tensor:
        # Workers do not share the caller's inference mode, outside of which inference tensors cannot be written to.
        with torch.inference_mode(False):
            return torch.empty(entries, device=self.device)

    def _pass(
        self,
        work: Work[Result],
        items: Iterable[Cut | tuple[Cut, Tensor] | Tile],
        workers: int,
        *,
        rows: slice = slice(None),
    ) -> Iterator[tuple[Tile, Result]]:
        """One pass over some of the own rows, whose progress is told: by cuts, cuts with memory of their own, tiles."""

        def run(item: Cut | tuple[Cut, Tensor] | Tile, memory: Memory) -> tuple[Tile, Result]:
            if isinstance(item, Tile):
                tile = item
            elif isinstance(item, Cut):
                tile = item.tile(memory.tile(item.shape))
            else:
                cut, out = item
                tile = cut.tile(out)
            return tile, work(tile, memory.buffers(tile.distances.shape))

        own = range(len(self.own.values))[rows]
        expected, seen = max(1, len(own) * self.num_rows), 0
        for tile, result in with_memory(run, items, min(self.side, self.num_rows) ** 2, self.device, workers):
            yield tile, result
            seen += tile.distances.numel() * (2 if tile.mirrored else 1)
            # Shards of unequal size make a process's share of the pairs more or less than this.
            self.count.at(min(1.0, seen / expected))
        self.count.done()


def checked_scale(mean: float, num_rows: int, norm: float, unit: float) -> float:
    """A mean distance, if it is one to measure similarities by.

    Args:
        mean: The mean distance, in some unit.
        num_rows: How many samples there are.
        norm: Their root-mean-square norm, in the same unit.
        unit: Its length, for the message.

    Raises:
        UndefinedSimilarityError: If there are fewer than two samples, or all lie in one place.
    """
    if num_rows < 2:
        raise UndefinedSimilarityError(f"similarities need at least two samples, got {num_rows}")
    if mean <= COLLAPSED * norm:
        raise UndefinedSimilarityError(
            f"the features have collapsed: their mean distance {mean * unit:.3g} is under {COLLAPSED:g} "
            f"of their root-mean-square norm {norm * unit:.3g}"
        )
    return mean


def _nothing(tile: Tile, buffers: Buffers) -> None:
    """Work that makes nothing of a tile."""


def _measured(
    work: Work[Result] | None, nearest: bool, tile: Tile, buffers: Buffers
) -> tuple[Tensor, tuple[Tensor, Tensor] | None, Result | None]:
    """The sum of a tile's distances, the least of each row and column if wanted, and what `work` makes of it."""
    found = _nearest(tile) if nearest else None
    return _total(tile, buffers), found, None if work is None else work(tile, buffers)


def _total(tile: Tile, buffers: Buffers) -> Tensor:
    """The sum of the distances of all ordered pairs that a tile stands for, float64 scalar."""
    if tile.mirrored:
        return 2 * tile.distances.sum(dim=1).double().sum()
    return torch.nan_to_num(tile.distances, posinf=0, out=buffers[0]).sum(dim=1).double().sum()


def _nearest(tile: Tile) -> tuple[Tensor, Tensor]:
    """The least distance of each row of a tile, and of each column."""
    return tile.distances.amin(dim=1), tile.distances.amin(dim=0)
