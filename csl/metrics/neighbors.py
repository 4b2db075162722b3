"""Each sample's nearest others, a block of samples at a time."""

from collections.abc import Iterator

import torch
from torch import Tensor

from csl.distributed import Shard
from csl.pairwise import CosineKeys, Progress
from csl.pairwise.blocks import blocks

_NEIGHBORS = 2**24  # neighbours held at a time
_ROWS = 16384  # samples between two calls of progress


class Neighbors:
    """The nearest others of this process's samples by cosine, found once and kept where that is wanted and they fit.

    Args:
        features: This process's finite rows `[n, D]`.
        shard: Which rows these are.

    Example:
        >>> features = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]])
        >>> for rows, similarity, keys in Neighbors(features, Shard.of(3)).nearest(1):
        ...     keys.flatten()
        tensor([1, 0, 1])
    """

    def __init__(self, features: Tensor, shard: Shard) -> None:
        self.features, self.shard = features, shard
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
            yield from self._search(k, width, keep=width <= room, progress=progress)
        else:
            for part in blocks(max(self.shard.counts), _size(k)):
                similarity, keys = self._kept
                yield part, similarity[part, :k], keys[part, :k]

    def _search(
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


def _size(k: int) -> int:
    return min(_ROWS, max(1, _NEIGHBORS // k))
