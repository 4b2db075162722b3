"""Cutting rows into blocks."""

from collections.abc import Iterator

from torch import Tensor

_NUMBERS = 2**19  # of a block, 4 MB in float64


def blocks(count: int, size: int, first: int = 0) -> Iterator[slice]:
    """Consecutive slices of at most `size` rows that cover rows `first` to `first + count`.

    Example:
        >>> list(blocks(5, 2))
        [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    for start in range(first, first + count, size):
        yield slice(start, min(start + size, first + count))


def in_float64(features: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """The rows `[N, D]` in float64, a block at a time, so that no such copy of all of them is made.

    Yields:
        The block's rows as a slice, and their values `[b, D]`.

    Example:
        >>> import torch
        >>> [(part, rows.dtype) for part, rows in in_float64(torch.ones(3, 2))]
        [(slice(0, 3, None), torch.float64)]
    """
    for part in blocks(len(features), max(1, _NUMBERS // max(1, features.shape[1]))):
        yield part, features[part].double()
