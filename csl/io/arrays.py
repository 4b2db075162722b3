"""Arrays by name from the files in which people keep features, none of which is ever executed."""

import contextlib
import json
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from csl.io.mapped import mapped
from csl.io.separated import read_separated
from csl.io.values import as_array

LABEL_NAMES = ("labels", "label", "targets", "target", "classes", "class", "y")
Arrays: TypeAlias = "dict[str, Tensor | np.ndarray[Any, Any]]"  # numbers as tensors, words as NumPy arrays of them


def read_arrays(path: str | Path) -> Arrays:
    """All arrays of a file, by name.

    Args:
        path: `.npz` or `.npy` (without pickled objects), `.pt` or `.pth` (tensors, or dicts and lists of them, read
            with `weights_only`), `.safetensors`, `.parquet` (lists of numbers become rows of a matrix), `.csv` or
            `.tsv` (columns of numbers become the matrix `features`), or `.txt` (one label a line).

    Returns:
        Numbers as tensors, words as NumPy arrays. The array of a file that names none is called by the file's name.
        Where Parquet has a null, numbers have NaN and words None.

    Raises:
        ValueError: If there is no such file, its format is unknown, it holds code or objects instead of arrays, or it
            is damaged.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.savez(Path(folder) / "rows.npz", features=np.ones((2, 3)))
        ...     read_arrays(Path(folder) / "rows.npz")["features"].shape
        torch.Size([2, 3])
    """
    path = Path(path)
    reader = FORMATS.get(path.suffix.lower())
    if reader is None:
        hint = "; features of a checkpoint are written by csl predict" if path.suffix == ".ckpt" else ""
        raise ValueError(f"{path}: expected a file that ends in {', '.join(FORMATS)}{hint}")
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    try:
        arrays = reader(path)
    except ValueError as error:
        if str(error).startswith(str(path)):
            raise
        raise ValueError(f"{path}: {_reason(error)}") from error
    except Exception as error:
        raise ValueError(f"{path}: not a readable {path.suffix} file ({_reason(error)})") from error
    return {name: as_array(array, f"{path}: {name}") for name, array in arrays.items()}


def describe(arrays: Arrays) -> str:
    """Names, shapes and types of arrays, for a message.

    Example:
        >>> describe({"labels": torch.arange(3)})
        'labels [3] int64'
    """
    return ", ".join(
        f"{name} {list(array.shape)} {str(array.dtype).removeprefix('torch.')}" for name, array in arrays.items()
    )


def _npz(path: Path) -> dict[str, Any]:
    # Opened here: NumPy leaves a file that it cannot read open.
    with path.open("rb") as file, _refusing_pickles(path), np.load(file, allow_pickle=False) as archive:
        entries = {name: archive[name] for name in archive.files}
    # A member that is no array comes as bytes.
    return {name: entry for name, entry in entries.items() if isinstance(entry, np.ndarray)}


def _npy(path: Path) -> dict[str, Any]:
    """The array of a file; a matrix of floats that lies there row by row stays in the file until it is looked at."""
    with contextlib.suppress(ValueError, OSError):  # what cannot be mapped is read, or refused, below
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        if isinstance(array, np.memmap) and _is_matrix_of_floats(array):
            dtype = torch.from_numpy(np.empty(0, array.dtype)).dtype
            with path.open("rb") as file:
                return {path.stem: mapped(file, dtype, array.shape, array.offset)}
    with _refusing_pickles(path):
        return {path.stem: np.load(path, allow_pickle=False)}


def _is_matrix_of_floats(array: "np.ndarray[Any, Any]") -> bool:
    """Whether torch can use a file's matrix as it lies there."""
    floats = array.dtype.kind == "f" and array.itemsize in (2, 4, 8) and array.dtype.isnative
    return floats and array.ndim == 2 and array.flags.c_contiguous


@contextlib.contextmanager
def _refusing_pickles(path: Path) -> Iterator[None]:
    """Say that a file holds pickled objects, in words that are the same beside every NumPy."""
    try:
        yield
    except ValueError as error:
        if "pickle" in str(error) or "Object arrays" in str(error):
            raise ValueError(
                f"{path}: contains pickled objects instead of arrays; nothing of it was executed"
            ) from error
        raise


def _pt(path: Path) -> dict[str, Any]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ValueError(
            f"{path}: not a file of plain tensors ({_reason(error)}); "
            "save one with torch.save({'features': features, 'labels': labels}, path)"
        ) from error
    return {name or path.stem: tensor for name, tensor in _tensors(content).items()}


def _tensors(content: Any, prefix: str = "") -> dict[str, Tensor]:
    """The tensors inside dicts and lists, by the path to them."""
    if isinstance(content, Tensor):
        return {prefix: content.detach()}
    if isinstance(content, Mapping):
        parts = content.items()
    elif isinstance(content, list | tuple):
        # A list of numbers is a vector, such as labels kept as a Python list.
        if content and all(isinstance(entry, int) for entry in content):
            return {prefix: torch.tensor(content)}
        parts = dict(enumerate(content)).items()
    else:
        return {}
    found = {}
    for name, part in parts:
        found.update(_tensors(part, f"{prefix}.{name}" if prefix else str(name)))
    return found


def _safetensors(path: Path) -> dict[str, Any]:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()} | _words(file.metadata())  # noqa: SIM118


def _parquet(path: Path) -> dict[str, Any]:
    import pyarrow.parquet as pq
    from pyarrow import types

    table = pq.read_table(path)
    arrays: dict[str, Any] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        whole = column.combine_chunks()
        if _is_list(types, whole.type):
            arrays[name] = _matrix(path, name, whole)
        elif types.is_integer(whole.type) or types.is_floating(whole.type):
            arrays[name] = whole.to_numpy(zero_copy_only=False)
        elif types.is_boolean(whole.type):
            arrays[name] = whole.cast("uint8").to_numpy(zero_copy_only=False)
        elif types.is_string(whole.type) or types.is_large_string(whole.type) or types.is_dictionary(whole.type):
            arrays[name] = np.array([None if word is None else str(word) for word in whole.to_pylist()])
    return arrays | _words(table.schema.metadata)


def _words(metadata: Mapping[Any, Any] | None) -> dict[str, Any]:
    """Lists of words that a file has as JSON in its metadata, as csl writes them."""
    texts = {str(_text(key)): _text(value) for key, value in (metadata or {}).items()}
    return {key: np.array(json.loads(texts[key]), dtype=str) for key in ("names", "class_names") if key in texts}


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _is_list(types: Any, kind: Any) -> bool:
    lists = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    return bool(lists and (types.is_floating(kind.value_type) or types.is_integer(kind.value_type)))


def _matrix(path: Path, name: str, lists: Any) -> Any:
    """A column of lists as `[N, D]`."""
    widths = {len(row) for row in lists.slice(0, 1).to_pylist() if row is not None}
    width = widths.pop() if widths else 0
    values = lists.flatten().to_numpy(zero_copy_only=False)
    if lists.null_count or len(values) != len(lists) * width:
        raise ValueError(f"{path}: the lists of column {name} are not all of one length")
    return values.reshape(len(lists), width)


def _csv(path: Path) -> dict[str, Any]:
    return read_separated(path, LABEL_NAMES)


def _txt(path: Path) -> dict[str, Any]:
    words = _decoded(path.read_bytes()).split("\n")
    return {path.stem: np.array([word.strip() for word in words if word.strip()])}


def _decoded(content: bytes) -> str:
    """Text in UTF-8, or in UTF-16 with a byte-order mark, as Windows writes it; without the mark."""
    return content.decode("utf-16" if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig")


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"


FORMATS: dict[str, Callable[[Path], dict[str, Any]]] = {
    ".npz": _npz,
    ".npy": _npy,
    ".pt": _pt,
    ".pth": _pt,
    ".safetensors": _safetensors,
    ".parquet": _parquet,
    ".csv": _csv,
    ".tsv": _csv,
    ".txt": _txt,
}
