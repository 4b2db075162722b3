"""One way in for every array-like: tensors, NumPy arrays of any layout, lists, data frames, words."""

from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

Array: TypeAlias = "Tensor | np.ndarray[Any, Any]"  # numbers as a tensor, words as a NumPy array of them


def as_array(value: Any, name: str = "values") -> Array:
    """Numbers as a tensor, words as a NumPy array; words that are all integers are numbers, too.

    Object arrays, other byte orders, negative strides and read-only memory are taken; numbers are copied out of NumPy.
    "01" and "1" stay words where they would become one number.

    Args:
        value: A tensor, or whatever NumPy can make an array of.
        name: What an error message calls it.

    Raises:
        ValueError: If it is neither numbers nor words, or rows differ in length.

    Example:
        >>> as_array(np.arange(3, dtype=">i4")[::-1])
        tensor([2, 1, 0], dtype=torch.int32)
        >>> as_array(np.array([[1, 2.5], [3, 4]], dtype=object))
        tensor([[1.0000, 2.5000],
                [3.0000, 4.0000]], dtype=torch.float64)
        >>> as_array(["cat", "dog"])
        array(['cat', 'dog'], dtype='<U3')
    """
    if isinstance(value, Tensor):
        return value.detach()
    try:
        array = np.asarray(value)
        array = _from_objects(array) if array.dtype.kind == "O" else array
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name}: expected numbers or words in rows of one length ({error})") from error
    if array.dtype.kind == "O":  # words, some of which are missing
        return array
    if array.dtype.kind in "US":
        array = _numbers_in(array.astype(str))
    if array.dtype.kind == "U":
        return array
    if array.dtype.kind not in "biufc":
        raise ValueError(f"{name}: expected numbers or words, got {array.dtype}")
    if array.dtype.kind == "u" and array.dtype.itemsize > 1:
        array = array.astype(np.int64)
    return torch.from_numpy(np.array(array, dtype=array.dtype.newbyteorder("="), order="C"))


def _from_objects(array: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """What objects stand for: rows, numbers or words; unchanged where some are missing or of another kind."""
    entries = array.reshape(-1).tolist()
    if entries and all(isinstance(entry, np.ndarray | list | tuple | Tensor) for entry in entries):
        return np.stack([np.asarray(entry) for entry in entries])
    if all(isinstance(entry, str) for entry in entries):
        return array.astype(str)
    if all(isinstance(entry, bool | int | np.integer | np.bool_) for entry in entries):
        return array.astype(np.int64)
    if all(isinstance(entry, int | float | np.number) for entry in entries):
        return array.astype(np.float64)
    if not all(entry is None or isinstance(entry, str) for entry in entries):
        raise ValueError(f"got objects such as {next(e for e in entries if not isinstance(e, str))!r}")
    return array


def _numbers_in(words: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """Integers that are written as words, unless two words are one number."""
    try:
        numbers = words.astype(np.int64)
    except (ValueError, OverflowError):
        return words
    return words if len(np.unique(numbers)) < len(np.unique(words)) else numbers


def as_labels(array: Array, where: str, count: int) -> tuple[Tensor, tuple[str, ...]]:
    """One class a row, int64, and the words that the classes are called by, in their order; none for numbers.

    Raises:
        ValueError: If there is not one label a row, some are null, or they are fractions.

    Example:
        >>> as_labels(as_array(["dog", "cat", "dog"]), "labels", 3)
        (tensor([1, 0, 1]), ('cat', 'dog'))
    """
    flat = array.reshape(-1) if array.ndim == 2 and array.shape[1] == 1 else array
    if tuple(flat.shape) != (count,):
        raise ValueError(f"{where}: expected one label for each of {count} rows, got shape {list(array.shape)}")
    if missing := _missing(flat):
        raise ValueError(f"{where}: {len(missing)} of {count} labels are null, the first of them in row {missing[0]}")
    if not isinstance(flat, Tensor):
        classes, numbers = np.unique(flat, return_inverse=True)
        return torch.from_numpy(numbers.astype(np.int64)), tuple(map(str, classes))
    if flat.is_floating_point() and not bool((flat == flat.round()).all()):
        raise ValueError(f"{where}: expected whole numbers or words as labels, got fractions")
    return flat.long(), ()


def _missing(labels: Array) -> list[int]:
    """The rows whose label is null: None among words, NaN among numbers."""
    if isinstance(labels, Tensor):
        rows: list[int] = labels.isnan().nonzero()[:, 0].tolist()
        return rows
    return [row for row, word in enumerate(labels) if word is None]
