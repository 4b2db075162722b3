"""Features from text: one row a line, columns separated by commas or tabs."""

from pathlib import Path
from typing import Any

import numpy as np

_NO_FEATURE = ("", "index", "id", "unnamed: 0")  # what tools write beside the columns


def read_separated(path: Path, label_names: tuple[str, ...]) -> dict[str, Any]:
    """The columns of numbers as the matrix `features`, a column of labels and columns of words by their names.

    A first line of numbers alone is a row, any other names the columns.

    Args:
        path: A `.csv` or `.tsv` file.
        label_names: What a column of labels may be called.
    """
    from pyarrow import csv

    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    with path.open(encoding="utf-8-sig") as file:
        first = file.readline().rstrip("\n").split(delimiter)
    reading = csv.ReadOptions(autogenerate_column_names=all(map(_is_number, first)))
    table = csv.read_csv(path, read_options=reading, parse_options=csv.ParseOptions(delimiter=delimiter))
    columns = {name: table.column(name).to_numpy() for name in table.column_names}
    found = {name: column for name, column in columns.items() if name.casefold() in label_names}
    numbers = {
        name: column
        for name, column in columns.items()
        if name not in found and column.dtype.kind in "iuf" and name.casefold() not in _NO_FEATURE
    }
    words = {name: column for name, column in columns.items() if column.dtype.kind == "O"}
    features = {"features": np.stack(list(numbers.values()), axis=1).astype(np.float64)} if numbers else {}
    return {**features, **found, **words}


def _is_number(word: str) -> bool:
    try:
        float(word.strip('" '))
    except ValueError:
        return False
    return True
