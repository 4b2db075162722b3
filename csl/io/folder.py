"""A folder of files with the rows of one set, read as one file."""

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from csl.io.arrays import FORMATS, Arrays, describe, read_arrays
from csl.io.mapped import mapped
from csl.io.shards import gaps, shards_in

WORDS = "class_names"  # the same in every file


def read_rows(path: str | Path) -> Arrays:
    """All arrays of a file, or of the files of a folder one below the other, by name.

    Matrices of a folder's files are put together in a temporary file, not in memory: what is looked at is read from
    there, and memory that is wanted for something else is given back.

    Args:
        path: A file, see `read_arrays`; or a folder of those, such as `csl predict --shard_size` writes, in which other
            files than these are passed over. Files are taken in the order of their names.

    Raises:
        ValueError: If a file cannot be read, or the files hold different arrays; if rows of the set are missing.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for number in range(2):
        ...         np.savez(Path(folder) / f"{number}.npz", features=np.full((2, 3), number), labels=np.arange(2))
        ...     arrays = read_rows(folder)
        >>> arrays["features"][:, 0].tolist(), arrays["labels"].tolist()
        ([0, 0, 1, 1], [0, 1, 0, 1])
    """
    path = Path(path)
    return _joined(path, _files(path)) if path.is_dir() else read_arrays(path)


def _files(folder: Path) -> list[Path]:
    shards = shards_in(folder)
    if shards and (missing := gaps(shards, shards[0].total)):
        raise ValueError(
            f"{folder}: {sum(map(len, missing)):,} of {shards[0].total:,} rows are missing, the first of them row "
            f"{missing[0].start}; csl predict with the same --output goes on there"
        )
    if shards:
        return [folder / shard.name for shard in shards]
    found = sorted(
        file for file in folder.iterdir() if file.suffix.lower() in FORMATS and not file.name.startswith(".")
    )
    if not found:
        raise ValueError(f"{folder}: expected a folder of files that end in {', '.join(FORMATS)}, found none")
    return found


def _joined(folder: Path, files: list[Path]) -> Arrays:
    columns: dict[str, _Column] = {}
    words: Arrays = {}
    first = None
    for file in files:
        arrays = read_arrays(file)
        words |= {name: arrays.pop(name) for name in (WORDS,) if name in arrays}
        form = {
            name: (array.shape[1:], array.dtype if isinstance(array, Tensor) else "words")
            for name, array in arrays.items()
        }
        first = form if first is None else first
        if form != first:
            raise ValueError(f"{file}: expected arrays as in {files[0].name}, got {describe(arrays)}")
        for name, array in arrays.items():
            columns.setdefault(name, _Column(folder)).add(array)
    return {name: column.whole() for name, column in columns.items()} | words


def _form(array: "Tensor | np.ndarray[Any, Any]") -> tuple[Any, ...]:
    """What arrays that are put one below the other share."""
    return tuple(array.shape[1:]), array.dtype if isinstance(array, Tensor) else "words"


class _Column:
    """Arrays of several files, one below the other: matrices in a file of their own, the others in memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder if os.access(folder, os.W_OK) else None
        self._parts: list[Any] = []
        self._file: Any = None
        self._rows = 0

    def add(self, array: "Tensor | np.ndarray[Any, Any]") -> None:
        if not (isinstance(array, Tensor) and array.ndim == 2 and array.shape[1]):
            self._parts.append(array)
            return
        self._file = self._file or tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - it lives as long as its map
        self._file.write(array.contiguous().view(torch.uint8).numpy().data)
        self._rows, self._like = self._rows + len(array), array[:0]

    def whole(self) -> "Tensor | np.ndarray[Any, Any]":
        if self._file is None:
            return torch.cat(self._parts) if isinstance(self._parts[0], Tensor) else np.concatenate(self._parts)
        self._file.flush()
        return mapped(self._file, self._like.dtype, (self._rows, self._like.shape[1]))
