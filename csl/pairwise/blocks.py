"""Cutting rows into blocks."""

from collections.abc import Iterator


def blocks(count: int, size: int, first: int = 0) -> Iterator[slice]:
    """Consecutive slices of at most `size` rows that cover rows `first` to `first + count`.

    Example:
        >>> list(blocks(5, 2))
        [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    for start in range(first, first + count, size):
        yield slice(start, min(start + size, first + count))
