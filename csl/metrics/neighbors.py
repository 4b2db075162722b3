"""Each sample's nearest others, a block of samples at a time."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from csl.distributed import Shard
from csl.pairwise import CosineKeys, Pairs, Progress, blocks, nearest

_NEIGHBORS = 2**24  # neighbours held at a time
_NOTES = 128  # that a search takes for each sample at least, beside the best
_ROWS = 16384  # samples between two calls of progress


class Neighbors:
    """The nearest others of this process's samples by cosine, found once and kept where that is wanted and they fit.

    Args:
        features: This process's finite rows `[n, D]`.
        shard: Which rows these are.
        pairs: Gives the pairs of the features' directions, for one pass over them.

    Example:
        >>> features = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]])
        >>> found = Neighbors(features, Shard.of(3), lambda: Pairs(torch.nn.functional.normalize(features)))
        >>> for rows, similarity, keys in found.nearest(1):
        ...     keys.flatten()
        tensor([1, 0, 1])
    """

    def __init__(self, features: Tensor, shard: Shard, pairs: Callable[[], Pairs]) -> None:
        self.features, self.shard, self._pairs = features, shard, pairs
        self._kept: tuple[Tensor, Tensor] | None = None

    def nearest(
        self, k: int, most: int = 0, *, keep: bool = False, progress: Progress | None = None
    ) -> Iterator[tuple[slice, Tensor, Tensor]]:
        """The k others of the group that are nearest, for blocks of this process's samples.

        All processes take as many rounds as the one with the most rows, since every round sends the keys round the
        ring: a block may be empty.

        Args:
            k: How many, from 1 to N − 1.
            most: How many will be asked for in all; so many are found at once if they can be kept.
            keep: Whether to keep what is found for the next call.
            progress: Called after each block with the share of the work that is done, from 0 to 1.

        Yields:
            Own rows `[b]` as a slice, similarities `[b, k]`, descending, and global row numbers `[b, k]`.
        """
        if self._kept is None or self._kept[0].shape[1] < k:
            room = _NEIGHBORS // max(1, *self.shard.counts) if keep else 0
            width = max(k, min(most, room))
            if self._fit(width):
                found = self._search(width)
                self._kept = found if keep else None
                yield from self._blocks(k, found)
            else:
                yield from self._search_in_blocks(k, width, keep=width <= room, progress=progress)
        else:
            yield from self._blocks(k, self._kept)

    def _fit(self, width: int) -> bool:
        """Whether all of one process's neighbours can be looked for at a time, which halves the work."""
        alone = self.shard.group is None and self.shard.total * (width + max(width, _NOTES)) <= 2 * _NEIGHBORS
        return alone and not bool(without_direction(self.features))

    def _search(self, width: int) -> tuple[Tensor, Tensor]:
        """Similarities, float64, and rows `[N, width]` of the nearest of each sample."""
        distances, keys = nearest(self._pairs(), width)
        return 1 - distances.double().square_().div_(2), keys

    def _blocks(self, k: int, found: tuple[Tensor, Tensor]) -> Iterator[tuple[slice, Tensor, Tensor]]:
        similarity, keys = found
        for part in blocks(max(self.shard.counts), _size(k)):
            yield part, similarity[part, :k], keys[part, :k]

    def _search_in_blocks(
        self, k: int, width: int, keep: bool, progress: Progress | None
    ) -> Iterator[tuple[slice, Tensor, Tensor]]:
        counts, device = self.shard.counts, self.features.device
        rows = torch.arange(self.shard.own.start, self.shard.own.stop, device=device)
        shape = len(self.features) if keep else 0, width
        kept = (
            torch.empty(shape, dtype=torch.float64, device=device),
            torch.empty(shape, dtype=torch.int64, device=device),
        )
        others = CosineKeys(self.features, self.shard)
        for part in blocks(max(counts), _size(width)):
            found = others.top(self.features[part], width, exclude=rows[part])
            if keep:
                for memory, block in zip(kept, found, strict=True):
                    memory[part] = block
            yield part, found[0][:, :k], found[1][:, :k]
            if progress is not None:
                progress(part.stop / max(counts))
        if keep:
            self._kept = kept[0], kept[1]


def without_direction(features: Tensor) -> Tensor:
    """Whether any of the rows `[n, D]` are zeros, whose cosine is 0 to everything; a scalar."""
    return (~features.any(dim=1)).any()


def _size(k: int) -> int:
    return min(_ROWS, max(1, _NEIGHBORS // k))
