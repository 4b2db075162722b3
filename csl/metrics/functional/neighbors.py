"""Each sample's nearest others, a block of samples at a time."""

from collections.abc import Iterator

import torch
from torch import Tensor

from csl.distributed import Group, rank, row_counts
from csl.pairwise import CosineKeys, Progress
from csl.pairwise.blocks import blocks

_NEIGHBORS = 2**24  # neighbours held at a time
_ROWS = 16384  # samples between two calls of progress


def nearest(
    features: Tensor, k: int, group: Group = None, progress: Progress | None = None
) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """The k others of the group that are nearest by cosine, for blocks of this process's samples.

    All processes take as many rounds as the one with the most rows, since every round sends the keys round the ring: a
    block may be empty.

    Args:
        features: This process's rows `[n, D]`.
        k: How many, from 1 to N − 1.
        group: The processes that hold the other rows.
        progress: Called after each block with the share of the work that is done, from 0 to 1.

    Yields:
        Own rows `[b]` as a slice, similarities `[b, k]`, descending, and global row numbers `[b, k]`.

    Example:
        >>> for rows, similarity, keys in nearest(torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]]), 1):
        ...     keys.flatten()
        tensor([1, 0, 1])
    """
    counts = row_counts(len(features), group)
    rows = torch.arange(len(features), device=features.device) + sum(counts[: rank(group)])
    others = CosineKeys(features, group)
    for part in blocks(max(counts), min(_ROWS, max(1, _NEIGHBORS // k))):
        similarity, keys = others.top(features[part], k, exclude=rows[part])
        yield part, similarity, keys
        if progress is not None:
            progress(part.stop / max(counts))


def check_k(k: int, name: str = "k") -> None:
    """Refuse a number of neighbours below 1.

    Raises:
        ValueError: With what came.
    """
    if k < 1:
        raise ValueError(f"{name} must be 1 or more, got {k}")
