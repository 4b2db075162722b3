"""Two files of features of the same images, and files of scores of each."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from csl.io import FeatureTable, replacing
from csl.table import Cell, Table


def check_twins(first: FeatureTable, second: FeatureTable, file: Path) -> None:
    """Refuse a second file whose rows are not those of the first.

    Args:
        first: What FILE holds.
        second: What the second file holds.
        file: The second file.

    Raises:
        ValueError: If it has another number of rows, or rows of other names or labels where both files have them.
    """
    if len(first.values) != len(second.values):
        counts = f"{len(first.values):,} rows as in FILE, got {len(second.values):,}"
        raise ValueError(f"{file}: expected the same images, {counts}")
    _check_same("names", first.names, second.names, file)
    if bool(first.classes) == bool(second.classes):  # words and numbers do not compare
        _check_same("labels", tuple(first.label_names()), tuple(second.label_names()), file)


def _check_same(what: str, first: tuple[str, ...], second: tuple[str, ...], file: Path) -> None:
    if not first or not second:
        return
    apart = [row for row, (one, other) in enumerate(zip(first, second, strict=True)) if one != other]
    if apart:
        row = apart[0]
        where = (
            f"{len(apart):,} of {len(first):,} rows, the first of them row {row}: {first[row]!r} and {second[row]!r}"
        )
        raise ValueError(f"{file}: expected the same images in the same order as in FILE, but {what} differ in {where}")


def write_scores(target: Path, table: FeatureTable, scores: Mapping[str, Tensor]) -> None:
    """Write a row a sample as CSV: its number, its name where there is one, its label and its scores.

    Raises:
        OSError: If the file cannot be written; what was there before is unchanged.
    """
    named = {"name": table.names} if table.names else {}
    columns = {
        "row": range(len(table.values)),
        **named,
        "label": table.label_names(),
        **{name: values.tolist() for name, values in scores.items()},
    }
    rows: list[tuple[Cell, ...]] = list(zip(*columns.values(), strict=True))
    with replacing(target) as file:
        file.write(Table(list(columns), rows).csv().encode())
