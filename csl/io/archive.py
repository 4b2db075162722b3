"""The files that `csl predict` writes."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from csl.io.arrays import describe, read_arrays
from csl.io.whole import replacing
from csl.types import Features

Columns: TypeAlias = "dict[str, np.ndarray[Any, Any]]"
Words: TypeAlias = Mapping[str, Sequence[str]]


def save_features(
    path: str | Path, features: Features, names: Sequence[str] | None = None, class_names: Sequence[str] = ()
) -> Path:
    """Write features to a file with `features [N, D]`, `labels [N]` and `index [N]`.

    Args:
        path: The file to write, `.npz`, `.safetensors` or `.parquet`; its folder is made where it is missing.
        features: What to write.
        names: A name for each row, such as the image's file, written as `names [N]`.
        class_names: The name of each class, in the order of the labels, written as `class_names [C]`. Safetensors,
            which hold numbers alone, have both as JSON in the file's metadata; Parquet has the latter there.

    Returns:
        The path that was written.

    Raises:
        ValueError: If the name ends otherwise.
        OSError: If the file cannot be written; what was there before is unchanged.

    Example:
        >>> import tempfile
        >>> rows = Features(torch.ones(2, 3), torch.tensor([0, 1]), torch.tensor([0, 1]))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     load_features(save_features(Path(folder) / "rows.npz", rows)).values.shape
        torch.Size([2, 3])
    """
    target = check_feature_name(path)
    columns = dict(
        zip(("features", "labels", "index"), (tensor.detach().cpu().numpy() for tensor in features), strict=True)
    )
    words = {key: list(column) for key, column in (("names", names or ()), ("class_names", class_names)) if len(column)}
    with replacing(target) as file:
        WRITERS[target.suffix](file, columns, words)
    return target


def _write_npz(file: IO[bytes], columns: Columns, words: Words) -> None:
    arrays: dict[str, Any] = {key: np.array(column, dtype=str) for key, column in words.items()}
    np.savez(file, **(columns | arrays))


def _write_safetensors(file: IO[bytes], columns: Columns, words: Words) -> None:
    from safetensors.numpy import save

    contiguous = {key: np.ascontiguousarray(column) for key, column in columns.items()}
    file.write(save(contiguous, metadata={key: json.dumps(column) for key, column in words.items()} or None))


def _write_parquet(file: IO[bytes], columns: Columns, words: Words) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    values = np.ascontiguousarray(columns["features"])
    lists = pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values.shape[1])
    table: dict[str, Any] = {"features": lists, "labels": columns["labels"], "index": columns["index"]}
    table |= {"names": words["names"]} if "names" in words else {}
    metadata = {"class_names": json.dumps(words["class_names"])} if "class_names" in words else None
    pq.write_table(pa.table(table).replace_schema_metadata(metadata), file)


WRITERS: dict[str, Callable[[IO[bytes], Columns, Words], None]] = {
    ".npz": _write_npz,
    ".safetensors": _write_safetensors,
    ".parquet": _write_parquet,
}


def load_features(path: str | Path) -> Features:
    """Read what `save_features` wrote; nothing in the file is executed.

    Raises:
        ValueError: If the name ends otherwise, the file is damaged or holds objects, it lacks one of the arrays, or
            their shapes or types do not fit.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "rows.npz"
        ...     np.savez(path, features=np.ones((2, 3)), labels=np.array([0, 1]), index=np.arange(2))
        ...     load_features(path).labels
        tensor([0, 1])
    """
    arrays: dict[str, Any] = dict(read_arrays(check_feature_name(path)))
    if missing := {"features", "labels", "index"} - set(arrays):
        raise ValueError(f"{path}: expected arrays features, labels and index, missing {', '.join(sorted(missing))}")
    values, labels, index = (arrays[name] for name in ("features", "labels", "index"))
    if values.ndim != 2 or not isinstance(values, Tensor) or not values.is_floating_point():
        raise ValueError(f"{path}: expected features as floats [N, D], got {describe({'features': values})}")
    for name, column in (("labels", labels), ("index", index)):
        if column.shape != values.shape[:1] or column.dtype != torch.int64:
            raise ValueError(f"{path}: expected {name} as int64 [{len(values)}], got {describe({name: column})}")
    return Features(values, labels, index)


def check_feature_name(path: str | Path) -> Path:
    """The path of a file of features.

    Raises:
        ValueError: If its name ends in none of `.npz`, `.safetensors` and `.parquet`.

    Example:
        >>> check_feature_name("rows.npz").suffix
        '.npz'
    """
    if Path(path).suffix not in WRITERS:
        raise ValueError(f"path: expected a file name that ends in {' or '.join(WRITERS)}, got {str(path)!r}")
    return Path(path)
