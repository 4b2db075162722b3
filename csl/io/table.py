"""Features with their labels from any file that holds them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from csl.io.arrays import LABEL_NAMES, Arrays, describe
from csl.io.folder import read_rows
from csl.io.values import as_labels

SAMPLE_NAMES = ("names", "name", "paths", "path", "files", "file")
FEATURE_NAMES = ("features", "feature", "embeddings", "embedding", "values", "x")


class FeatureTable(NamedTuple):
    """Rows that somebody has encoded.

    Attributes:
        values: Features `[N, D]`, floating point.
        labels: Classes `[N]`, int64; None where the file has none, or only −1. Words are numbered in their order.
        features_key: The array that was taken for the features.
        labels_key: The one that was taken for the labels, empty if none was.
        classes: The words that the classes are called by, in their order; none where labels are numbers.
        names: What each row is called, such as the image's file, from an array called names; none where there is none.

    Example:
        >>> import torch
        >>> table = FeatureTable(torch.ones(2, 3), torch.tensor([0, 1]), "features", "labels")
        >>> table.values.shape, table.labels
        (torch.Size([2, 3]), tensor([0, 1]))
    """

    values: Tensor
    labels: Tensor | None
    features_key: str
    labels_key: str
    classes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def label_names(self) -> list[str]:
        """What each row's class is called, a word or a number; none without labels."""
        labels = [] if self.labels is None else self.labels.tolist()
        return [self.classes[label] if self.classes else str(label) for label in labels]


def read_features(
    path: str | Path, labels: str | Path | None = None, features_key: str | None = None, labels_key: str | None = None
) -> FeatureTable:
    """Read features and, where there are any, their labels.

    A file of several arrays is no riddle where one of them is called features or embeddings, or only one is a matrix;
    labels are the array of whole numbers or words that is called labels, targets or y.

    Args:
        path: A file of one of the formats of `read_arrays`, or a folder of such files, see `read_rows`.
        labels: Another file, which holds the labels.
        features_key: The array that holds the features; found by name or shape if None.
        labels_key: The array that holds the labels; found by name if None.

    Raises:
        ValueError: If a file cannot be read, a key is not in it, no array or several could be meant, or labels do not
            match the features or are null for some rows; it names the arrays that are there.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.savez(Path(folder) / "clip.npz", image=np.ones((2, 3)), y=np.array(["cat", "ant"]))
        ...     table = read_features(Path(folder) / "clip.npz")
        >>> table.labels, table.features_key, table.labels_key
        (tensor([1, 0]), 'image', 'y')
    """
    arrays = read_rows(path)
    key = _features_key(arrays, path, features_key)
    values = _as_features(arrays[key], f"{path}: {key}")
    where, others = (path, arrays) if labels is None else (labels, read_rows(labels))
    label_key = _labels_key(others, where, labels_key, required=labels is not None)
    if label_key is None:
        return FeatureTable(values, None, key, "", names=_names(arrays, len(values)))
    classes, words = as_labels(others[label_key], f"{where}: {label_key}", len(values))
    known = None if bool((classes == -1).all()) else classes
    return FeatureTable(values, known, key, label_key, words, _names(arrays, len(values)))


def _features_key(arrays: Arrays, path: str | Path, key: str | None) -> str:
    if key is not None:
        return _present(arrays, path, key, "features")
    matrices = {name: array for name, array in arrays.items() if isinstance(array, Tensor) and array.ndim == 2}
    named = _by_name(matrices, FEATURE_NAMES)
    if named or len(matrices) == 1:
        return named or next(iter(matrices))
    if not matrices:
        raise ValueError(f"{path}: expected a matrix of features [N, D], got {describe(arrays) or 'no array'}")
    raise ValueError(f"{path}: holds several matrices, {describe(dict(matrices))}; choose with features_key")


def _labels_key(arrays: Arrays, path: str | Path, key: str | None, required: bool) -> str | None:
    if key is not None:
        return _present(arrays, path, key, "labels")
    if named := _by_name(arrays, LABEL_NAMES):
        return named
    if not required:
        return None
    if len(arrays) == 1:
        return next(iter(arrays))
    raise ValueError(f"{path}: expected an array called labels, got {describe(arrays)}; choose with labels_key")


def _names(arrays: Arrays, count: int) -> tuple[str, ...]:
    """What rows are called, where an array says so for each of them."""
    key = _by_name(arrays, SAMPLE_NAMES)
    return () if key is None or tuple(arrays[key].shape) != (count,) else tuple(map(str, arrays[key].tolist()))


def _present(arrays: Arrays, path: str | Path, key: str, role: str) -> str:
    if key not in arrays:
        raise ValueError(f"{path}: {role}_key: no array {key!r}; it holds {describe(arrays) or 'none'}")
    return key


def _by_name(arrays: "Arrays | dict[str, Tensor]", names: Sequence[str]) -> str | None:
    """The array that has the first of these names, whatever its case."""
    folded = {name.casefold(): name for name in arrays}
    return next((folded[name] for name in names if name in folded), None)


def _as_features(array: Any, where: str) -> Tensor:
    if not isinstance(array, Tensor) or array.ndim != 2 or array.is_complex():
        shape, kind = list(array.shape), str(array.dtype).removeprefix("torch.")
        raise ValueError(f"{where}: expected a matrix of numbers [N, D], got shape {shape} of {kind}")
    return array if array.is_floating_point() else array.float()
