"""The pairs of a set of samples, as a stream of tiles that several passes can share."""

import math
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

import torch
from torch import Tensor

from csl.distributed import Group, all_reduce, rank, row_counts
from csl.pairwise.centering import center
from csl.pairwise.checks import UndefinedSimilarityError, check_features
from csl.pairwise.distances import Distances
from csl.pairwise.streaming import MEMORY_BUDGET, Precision, Progress
from csl.pairwise.tiles import Tile, row_tiles, symmetric_tiles

COLLAPSED = 1e-6  # a mean distance below this share of the root-mean-square norm is rounding, not structure
_SIDE_CPU, _SIDE_CUDA = 1024, 8192  # rows and columns of a tile


class Pairs:
    """All pairs of the group's samples; every pass over them is a sum over `tiles()`.

    The distances are kept for a next pass where they fit `memory_budget` on every process, else computed again:
    memory beyond that is the float32 copy of this process's rows, two visiting shards, three tiles, and a few float64
    numbers a row and temperature.

    Args:
        features: This process's rows `[n, D]`, any floating dtype, finite.
        group: The processes that hold the other rows; None for one process.
        order: Take this process's rows in this order `[n]`.
        passes: How many passes there will be, of which `progress` tells the share that is done; may be set later. For
            a single one nothing is kept.
        memory_budget: How many bytes of distances each process may keep.
        precision: What the features are rounded to; see `Streaming`.
        progress: Called with the share of all passes that is done, 0 to 1, after each tile.

    Raises:
        ValueError: If the features are no finite floating-point matrix, or the budget or the precision are none.

    Example:
        >>> pairs = Pairs(torch.tensor([[0.0], [1.0], [3.0]]))
        >>> float(pairs.mean)
        2.0
    """

    def __init__(
        self,
        features: Tensor,
        *,
        group: Group = None,
        order: Tensor | None = None,
        passes: int = 2,
        memory_budget: int = MEMORY_BUDGET,
        precision: Precision = "ieee",
        progress: Progress | None = None,
    ) -> None:
        if memory_budget < 0:
            raise ValueError(f"memory_budget must be a number of bytes, 0 or more, got {memory_budget}")
        check_features(features, group)
        self.group = group
        self.own = center(features, group=group, order=order, precision=precision)
        self.counts = row_counts(len(features), group)
        self.num_rows = sum(self.counts)
        self.device = features.device
        # Decided from numbers all processes share: those that compute again exchange shards, so all of them must.
        needed = 4 * max(self.counts) * (self.num_rows + 2 * self.side) / 2
        self.keeps = passes > 1 and needed <= memory_budget
        self._kept: list[Tile] | None = None
        self.passes, self._passed = passes, 0
        self._progress, self._told = progress, 0.0
        self._distances: Distances | None = None

    @property
    def side(self) -> int:
        """How many rows and columns a tile has at most."""
        return _SIDE_CPU if self.device.type == "cpu" else _SIDE_CUDA

    def tiles(self) -> Iterator[Tile]:
        """Tiles that cover each unordered pair once across the group.

        Their distances are not to be written to, and may be gone when the next tile is asked for.
        """
        if self._kept is not None:
            yield from self._watched(self._kept)
            return
        kept = []
        for tile in self._watched(symmetric_tiles(self.own, self.side, self.group, reuse=not self.keeps)):
            if self.keeps:
                kept.append(tile)
            yield tile
        if self.keeps:
            self._kept = kept

    def row_tiles(self, rows: slice = slice(None)) -> Iterator[Tile]:
        """Tiles of this process's rows, or of some, against all columns of the group; distances as in `tiles`.

        Args:
            rows: Which of the own rows, as `csl.pairwise.tiles.row_tiles` takes them.
        """
        yield from self._watched(row_tiles(self.own, self.side, self.group, rows=rows, reuse=True), rows)

    def scratch(self, tile: Tile) -> tuple[Tensor, Tensor]:
        """Two tensors of the tile's shape to compute in, the same memory for every tile."""
        height, width = tile.distances.shape
        first, second = (buffer[: height * width].view(height, width) for buffer in self._buffers)
        return first, second

    @cached_property
    def _buffers(self) -> tuple[Tensor, Tensor]:
        first = self.own.values.new_empty(min(self.side, self.num_rows) ** 2)
        return first, torch.empty_like(first)

    def _watched(self, tiles: Iterable[Tile], rows: slice = slice(None)) -> Iterator[Tile]:
        """The tiles of one pass over some of the own rows, whose progress is told."""
        own = range(self.counts[rank(self.group)])[rows]
        expected, seen = max(1, len(own) * self.num_rows), 0
        for tile in tiles:
            yield tile
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

    @property
    def distances(self) -> Distances:
        """The mean distance and each sample's nearest `[N]`, in one pass the first time they are asked for."""
        return self.measure(lambda tile: None) if self._distances is None else self._distances

    def measure(self, also: Callable[[Tile], None]) -> Distances:
        """Take the pass that `distances` needs, and do something else with each of its tiles."""
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        nearest = torch.full((self.num_rows,), math.inf, device=self.device)
        for tile in self.tiles():
            rows, columns, block, mirrored = tile
            nearest[rows] = torch.minimum(nearest[rows], block.amin(dim=1))
            if mirrored:
                nearest[columns] = torch.minimum(nearest[columns], block.amin(dim=0))
                total += 2 * block.sum(dim=1).double().sum()
            else:
                finite = torch.nan_to_num(block, posinf=0, out=self.scratch(tile)[0])
                total += finite.sum(dim=1).double().sum()
            also(tile)
        # 0 / 0 is the NaN that a mean over no pairs is.
        mean = all_reduce(total, self.group) / (self.num_rows * (self.num_rows - 1))
        self._distances = Distances(mean, all_reduce(nearest, self.group, "min"))
        return self._distances

    @property
    def mean(self) -> Tensor:
        """Mean distance over all pairs, float64 scalar, in units of the features; NaN for fewer than two samples."""
        return self.distances.mean * self.own.unit

    @property
    def scale(self) -> float:
        """The mean distance in units of the tiles, by which similarities are measured.

        Raises:
            UndefinedSimilarityError: If there are fewer than two samples, or all lie in one place.
        """
        return self.checked_scale(float(self.distances.mean))

    def checked_scale(self, mean: float) -> float:
        """A mean distance in units of the tiles, if it is one to measure similarities by; as in `scale`.

        Raises:
            UndefinedSimilarityError: If there are fewer than two samples, or all lie in one place.
        """
        if self.num_rows < 2:
            raise UndefinedSimilarityError(f"similarities need at least two samples, got {self.num_rows}")
        if mean <= COLLAPSED * self.own.norm:
            raise UndefinedSimilarityError(
                f"the features have collapsed: their mean distance {mean * self.own.unit:.3g} is under {COLLAPSED:g} "
                f"of their root-mean-square norm {self.own.norm * self.own.unit:.3g}"
            )
        return mean
