"""The archive that `csl predict` writes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from csl.io.arrays import describe, read_arrays
from csl.io.whole import replacing
from csl.types import Features


def save_features(
    path: str | Path, features: Features, names: Sequence[str] | None = None, class_names: Sequence[str] = ()
) -> Path:
    """Write features as an `.npz` archive with `features [N, D]`, `labels [N]` and `index [N]`.

    Args:
        path: The file to write; its folder is made where it is missing.
        features: What to write.
        names: A name for each row, such as the image's file, written as `names [N]`.
        class_names: The name of each class, in the order of the labels, written as `class_names [C]`.

    Returns:
        The path that was written.

    Raises:
        ValueError: If the name does not end in `.npz`.
        OSError: If the file cannot be written; what was there before is unchanged.

    Example:
        >>> import tempfile
        >>> rows = Features(torch.ones(2, 3), torch.tensor([0, 1]), torch.tensor([0, 1]))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     load_features(save_features(Path(folder) / "rows.npz", rows)).values.shape
        torch.Size([2, 3])
    """
    target = check_archive_name(path)
    values, labels, index = (tensor.detach().cpu().numpy() for tensor in features)
    words = {"names": names or (), "class_names": class_names}
    more: dict[str, Any] = {key: np.array(list(column), dtype=str) for key, column in words.items() if len(column)}
    with replacing(target) as file:
        np.savez(file, features=values, labels=labels, index=index, **more)
    return target


def load_features(path: str | Path) -> Features:
    """Read what `save_features` wrote; nothing in the file is executed.

    Raises:
        ValueError: If the name does not end in `.npz`, the file is damaged or holds objects, the archive lacks one of
            the arrays, or their shapes or types do not fit.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "rows.npz"
        ...     np.savez(path, features=np.ones((2, 3)), labels=np.array([0, 1]), index=np.arange(2))
        ...     load_features(path).labels
        tensor([0, 1])
    """
    arrays: dict[str, Any] = dict(read_arrays(check_archive_name(path)))
    if missing := {"features", "labels", "index"} - set(arrays):
        raise ValueError(f"{path}: expected arrays features, labels and index, missing {', '.join(sorted(missing))}")
    values, labels, index = (arrays[name] for name in ("features", "labels", "index"))
    if values.ndim != 2 or not isinstance(values, Tensor) or not values.is_floating_point():
        raise ValueError(f"{path}: expected features as floats [N, D], got {describe({'features': values})}")
    for name, column in (("labels", labels), ("index", index)):
        if column.shape != values.shape[:1] or column.dtype != torch.int64:
            raise ValueError(f"{path}: expected {name} as int64 [{len(values)}], got {describe({name: column})}")
    return Features(values, labels, index)


def check_archive_name(path: str | Path) -> Path:
    """The path of an archive.

    Raises:
        ValueError: If its name does not end in `.npz`.

    Example:
        >>> check_archive_name("rows.npz").suffix
        '.npz'
    """
    if Path(path).suffix != ".npz":
        raise ValueError(f"path: expected a file name that ends in .npz, got {str(path)!r}")
    return Path(path)
