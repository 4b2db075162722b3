"""Files of one set that another set holds, too."""

import os
from collections.abc import Sequence
from filecmp import cmp
from hashlib import sha256

_PIECE = 4096  # bytes from the beginning, the middle and the end
MOST = 50_000  # files that are looked at; more would take minutes on a network drive


def duplicates(files: Sequence[str], others: Sequence[str]) -> list[tuple[str, str]]:
    """The files that are byte for byte one of the others, each with the first of these.

    Args:
        files: Paths.
        others: Paths of the files to compare them with.

    Example:
        >>> duplicates([__file__], [__file__]) == [(__file__, __file__)]
        True
    """
    by_size: dict[int, list[str]] = {}
    for path in others:
        by_size.setdefault(_size(path), []).append(path)
    sizes = {path: _size(path) for path in files}
    known = {size: _by_pieces(by_size[size]) for size in set(sizes.values()) if size > 0 and size in by_size}
    pairs = ((path, known[size].get(_pieces(path), "")) for path, size in sizes.items() if size in known)
    return [(path, other) for path, other in pairs if other and _is_same(path, other)]


def _by_pieces(paths: list[str]) -> dict[bytes, str]:
    found: dict[bytes, str] = {}
    for path in paths:
        found.setdefault(_pieces(path), path)
    return found


def _pieces(path: str) -> bytes:
    """A hash of three pieces of a file; empty if it cannot be read."""
    try:
        size = os.path.getsize(path)
        with open(path, "rb") as file:
            total = sha256()
            for start in (0, size // 2, max(0, size - _PIECE)):
                file.seek(start)
                total.update(file.read(_PIECE))
            return total.digest()
    except OSError:
        return b""


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:  # whoever decodes it says so
        return -1


def _is_same(path: str, other: str) -> bool:
    try:
        return cmp(path, other, shallow=False)
    except OSError:
        return False
