"""Passes over the pairs of a set of samples, as streams of tiles that are worked on several at a time."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from torch import Tensor

from csl.checks import check_range
from csl.distributed import Shard
from csl.pairwise.centering import center
from csl.pairwise.streaming import MEMORY_BUDGET, Precision, Progress
from csl.pairwise.tiles import Cut, Tile, row_cuts, symmetric_cuts
from csl.pairwise.workers import Buffers, Memory, in_order, worker_count

_SIDE_CPU, _SIDE_CUDA = 1024, 8192  # rows and columns of a tile

Result = TypeVar("Result")
Work = Callable[[Tile, Buffers], Result]


class Passes:
    """All pairs of the group's samples; every pass over them is a sum over tiles.

    The distances are kept for a next pass where they fit `memory_budget` on every process, else computed again:
    memory beyond that is the float32 copy of this process's rows, two visiting shards and a third while the last tiles
    of the one before are worked on, three tiles for each worker, and a few float64 numbers a row and temperature.

    Args:
        features: This process's rows `[n, D]`, checked: any floating dtype, finite.
        shard: Which rows these are; None for all of one process.
        order: Take this process's rows in this order `[n]`.
        passes: How many passes there will be, of which `progress` tells the share that is done; may be set later. For
            a single one nothing is kept.
        memory_budget: How many bytes of distances each process may keep.
        precision: What the features are rounded to; see `Streaming`.
        progress: Called with the share of all passes that is done, 0 to 1, after each tile.

    Raises:
        ValueError: If the budget or the precision are none.

    Example:
        >>> import torch
        >>> passes = Passes(torch.tensor([[0.0], [1.0], [3.0]]))
        >>> [found for _, found in passes.each(lambda tile, buffers: tile.distances.amin(dim=1))]  # 3 is the unit
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
    ) -> None:
        check_range("memory_budget", memory_budget)
        self.shard = shard or Shard.of(len(features))
        self.group, self.num_rows = self.shard.group, self.shard.total
        self.own = center(features, group=self.group, order=order, precision=precision)
        self.device = features.device
        # Decided from numbers all processes share: those that compute again exchange shards, so all of them must.
        needed = 4 * max(self.shard.counts) * (self.num_rows + 2 * self.side) / 2
        self.keeps = passes > 1 and needed <= memory_budget
        self._kept: list[Tile] | None = None
        self.begin(passes, progress)

    def begin(self, passes: int, progress: Progress | None = None) -> None:
        """From now on tell of the share of so many passes; for somebody else who goes over the same pairs."""
        self.passes, self._passed = passes, 0
        self._progress, self._told = progress, 0.0

    @property
    def side(self) -> int:
        """How many rows and columns a tile has at most."""
        return _SIDE_CPU if self.device.type == "cpu" else _SIDE_CUDA

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
        yield from self._by_row(work, rows, self._workers)

    def tiles(self) -> Iterator[Tile]:
        """The tiles of `each` themselves, one at a time.

        Their distances are not to be written to, and may be gone when the next tile is asked for.
        """
        yield from (tile for tile, _ in self._symmetric(lambda tile, buffers: None, workers=1))

    def row_tiles(self) -> Iterator[Tile]:
        """Those of `each_of_rows`, one at a time; distances as in `tiles`."""
        yield from (tile for tile, _ in self._by_row(lambda tile, buffers: None, slice(None), workers=1))

    @property
    def _workers(self) -> int:
        return worker_count(self.device) if self.num_rows > self.side else 1

    def _symmetric(self, work: Work[Result], workers: int) -> Iterator[tuple[Tile, Result]]:
        if self._kept is not None:
            yield from self._pass(work, self._kept, workers)
            return
        kept = []
        cuts = symmetric_cuts(self.own, self.side, self.shard)
        for tile, result in self._pass(work, cuts, workers, reuse=not self.keeps):
            if self.keeps:
                kept.append(tile)
            yield tile, result
        if self.keeps:
            self._kept = kept

    def _by_row(self, work: Work[Result], rows: slice, workers: int) -> Iterator[tuple[Tile, Result]]:
        yield from self._pass(work, row_cuts(self.own, self.side, self.shard, rows=rows), workers, rows=rows)

    def _pass(
        self,
        work: Work[Result],
        cuts: Iterable[Cut | Tile],
        workers: int,
        *,
        rows: slice = slice(None),
        reuse: bool = True,
    ) -> Iterator[tuple[Tile, Result]]:
        """One pass over some of the own rows, whose progress is told."""
        # As many as there are workers, so that one is always free.
        free = [Memory(min(self.side, self.num_rows) ** 2, self.device) for _ in range(workers)]

        def run(cut: Cut | Tile) -> tuple[Tile, Result]:
            memory = free.pop()
            try:
                tile = cut if isinstance(cut, Tile) else cut.tile(memory.tile(cut.shape) if reuse else None)
                return tile, work(tile, memory.buffers(tile.distances.shape))
            finally:
                free.append(memory)

        own = range(len(self.own.values))[rows]
        expected, seen = max(1, len(own) * self.num_rows), 0
        for tile, result in in_order(run, cuts, workers):
            yield tile, result
            seen += tile.distances.numel() * (2 if tile.mirrored else 1)
            # Shards of unequal size make a process's share of the pairs more or less than this.
            self._tell(self._passed + min(1.0, seen / expected))
        self._passed += 1
        self._tell(self._passed)

    def _tell(self, passed: float) -> None:
        """Report progress, which never goes back, however many passes turn out to be needed."""
        if self._progress is not None:
            self._told = max(self._told, min(1.0, passed / max(1, self.passes)))
            self._progress(self._told)
