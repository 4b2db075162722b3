"""The labels in Parquet files, and the classes that they stand for."""

import json
import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from csl.data.row_groups import readable_file


class Labels(NamedTuple):
    """Labels of several sets.

    Attributes:
        numbers: Class of each row, by set, int64 `[N]`; -1 for none.
        class_names: The classes, in the order of these numbers.
        notes: What a reader should know, a sentence each.
    """

    numbers: dict[str, Tensor]
    class_names: list[str]
    notes: list[str]


def read_labels(parts: dict[str, list[str]], column: str | None, image_column: str) -> Labels:
    """Read a column of labels.

    Words become classes in alphabetical order. Whole numbers become classes in their own order, called by these
    numbers; where the files declare names, a number is the position of a name. -1 and null mean no label.

    Args:
        parts: The files of each set.
        column: Its name; None if there are no labels.
        image_column: The name of the column of images.

    Raises:
        ValueError: If no file has this column although there are others; or its values are neither whole numbers nor
            words, or below -1; or files declare different names.
    """
    files = [file for paths in parts.values() for file in paths]
    if column is not None:
        _check_there(files, column, image_column)
    values = {part: [_value(value) for value in _values(paths, column)] for part, paths in parts.items()}
    _check_kinds([value for entries in values.values() for value in entries if value is not None], column)
    known = {value for entries in values.values() for value in entries} - {None}
    if not known - {-1}:
        empty = [] if column is None else [f"label_column: no row has a label in column {column!r}"]
        return Labels({part: torch.full((len(entries),), -1) for part, entries in values.items()}, [], empty)
    names, number = _classes(known, _declared_names(files, str(column)), str(column))
    numbers = {part: torch.tensor([number.get(value, -1) for value in entries]) for part, entries in values.items()}
    return Labels(numbers, names, [])


def _check_kinds(values: list[Any], column: str | None) -> None:
    kinds = {type(value) for value in values}
    if kinds not in (set(), {str}, {int}):
        found = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise ValueError(f"label_column: expected integers or strings in column {column!r}, got {found}")
    if kinds == {int} and min(values) < -1:
        raise ValueError(
            f"label_column: expected integers from 0 in column {column!r}, or -1 for none, got {min(values)}"
        )


def _classes(known: set[Any], declared: list[str] | None, column: str) -> tuple[list[str], dict[Any, int]]:
    """The names of the classes, and the class of each value."""
    if known == {-1, 1}:
        raise ValueError(
            f"label_column: column {column!r} holds -1 and 1, but -1 means that an image has no label; "
            "number two classes 0 and 1"
        )
    values = sorted(known - {-1})
    if declared and isinstance(values[0], int):
        return declared, {value: value for value in values}
    return [str(value) for value in values], {value: position for position, value in enumerate(values)}


def _value(value: Any) -> Any:
    """A whole number as an integer: pandas keeps integers as fractions where some are missing."""
    if isinstance(value, float):
        return None if math.isnan(value) else int(value) if value.is_integer() else value
    return value


def _check_there(files: list[str], column: str, image_column: str) -> None:
    columns = list(dict.fromkeys(name for file in files for name in _schema(file).names))
    others = [name for name in columns if name != image_column]
    if column not in columns and others:
        raise ValueError(
            f"label_column: no file has a column {column!r}, only {', '.join(columns)}; "
            "name one of these, or null to train without labels"
        )


def _values(files: list[str], column: str | None) -> Iterable[Any]:
    """A label, or None, for each row."""
    import pyarrow.parquet as pq

    for file in files:
        with readable_file(file), pq.ParquetFile(file) as opened:
            if column in opened.schema_arrow.names:
                yield from opened.read([column]).column(column).to_pylist()
            else:
                yield from [None] * opened.metadata.num_rows


def _declared_names(files: list[str], column: str) -> list[str] | None:
    """Class names from the metadata that Hugging Face writes into the schema."""
    found = {file: names for file in files if (names := _declared(file, column))}
    for file, names in found.items():
        first, others = next(iter(found.items()))
        if names != others:
            raise ValueError(f"label_column: {first} and {file} declare different class names in column {column!r}")
    return next(iter(found.values()), None)


def _declared(file: str, column: str) -> list[str] | None:
    try:
        names = json.loads(_schema(file).metadata[b"huggingface"])["info"]["features"][column]["names"]
    except (KeyError, TypeError, ValueError):  # not written by Hugging Face, or not about classes
        return None
    return [str(name) for name in names] if isinstance(names, list) and names else None


def _schema(file: str) -> Any:
    import pyarrow.parquet as pq

    with readable_file(file):
        return pq.read_schema(file)
