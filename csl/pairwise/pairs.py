"""The pairs of a set of samples: what one pass over them measures, and further passes need."""

import math
from collections import deque
from collections.abc import Iterator
from functools import cached_property

import torch
from torch import Tensor

from csl.distributed import all_reduce
from csl.pairwise.checks import UndefinedSimilarityError
from csl.pairwise.passes import Passes, Result, Work
from csl.pairwise.tiles import Tile
from csl.pairwise.workers import Buffers

COLLAPSED = 1e-6  # a mean distance below this share of the root-mean-square norm is rounding, not structure


class Pairs(Passes):
    """All pairs of the group's samples, their mean distance and each sample's nearest; arguments are those of `Passes`.

    Example:
        >>> pairs = Pairs(torch.tensor([[0.0], [1.0], [3.0]]))
        >>> float(pairs.mean)
        2.0
    """

    _mean: Tensor | None = None
    _nearest: Tensor | None = None

    def measuring(self, work: Work[Result], *, nearest: bool = False) -> Iterator[tuple[Tile, Result]]:
        """`each`, in the pass that measures the mean distance too, and each sample's nearest if that is wanted."""
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        least = torch.full((self.num_rows,), math.inf, device=self.device)

        def both(tile: Tile, buffers: Buffers) -> tuple[Tensor, tuple[Tensor, Tensor] | None, Result]:
            return _total(tile, buffers), _nearest(tile) if nearest else None, work(tile, buffers)

        for tile, (distance, found, result) in self.each(both):
            total += distance
            if found is not None:
                for place, lowest in zip((tile.rows, tile.columns), found, strict=True):
                    least[place] = torch.minimum(least[place], lowest)
            yield tile, result
        # 0 / 0 is the NaN that a mean over no pairs is.
        self._mean = all_reduce(total, self.group) / (self.num_rows * (self.num_rows - 1))
        if nearest:
            self._nearest = all_reduce(least, self.group, "min")

    @property
    def knows_mean(self) -> bool:
        """Whether `mean` and `scale` take no pass."""
        return self._mean is not None

    def know_mean(self, total: Tensor) -> None:
        """Take the mean from the sum of all ordered pairs' distances, in units of the tiles."""
        self._mean = total / (self.num_rows * (self.num_rows - 1))

    def _measure(self, *, nearest: bool = False) -> None:
        deque(self.measuring(lambda tile, buffers: None, nearest=nearest), maxlen=0)

    @property
    def knows_nearest(self) -> bool:
        """Whether `nearest` takes no pass."""
        return self._nearest is not None

    @property
    def nearest(self) -> Tensor:
        """Each sample's distance to its nearest neighbour `[N]`, float32, in units of the tiles; a pass, once."""
        if self._nearest is None:
            self._measure(nearest=True)
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
            self._measure()
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
        if self.num_rows < 2:
            raise UndefinedSimilarityError(f"similarities need at least two samples, got {self.num_rows}")
        if mean <= COLLAPSED * self.own.norm:
            raise UndefinedSimilarityError(
                f"the features have collapsed: their mean distance {mean * self.own.unit:.3g} is under {COLLAPSED:g} "
                f"of their root-mean-square norm {self.own.norm * self.own.unit:.3g}"
            )
        return mean


def _total(tile: Tile, buffers: Buffers) -> Tensor:
    """The sum of the distances of all ordered pairs that a tile stands for, float64 scalar."""
    if tile.mirrored:
        return 2 * tile.distances.sum(dim=1).double().sum()
    return torch.nan_to_num(tile.distances, posinf=0, out=buffers[0]).sum(dim=1).double().sum()


def _nearest(tile: Tile) -> tuple[Tensor, Tensor]:
    """The least distance of each row of a tile, and of each column."""
    return tile.distances.amin(dim=1), tile.distances.amin(dim=0)
