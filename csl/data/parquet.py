"""Images in Parquet files, as the Hugging Face Hub keeps them."""

import json
import os
import re
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import Tensor

from csl.data.decode import native_size
from csl.data.images import EncodedImages
from csl.data.readable import OnBadImage, check_policy, readable
from csl.data.row_groups import RowGroups, readable_file
from csl.data.source import ImageSource, ImageSplits, arrange, check_holdout

# The list comes first: on a command line, a string would swallow it.
Files: TypeAlias = "list[str] | str | os.PathLike[str]"

_PART = re.compile(r"(?:^|[/_.-])(train|validation|valid|val|test)(?=$|[/_.-])")
_PART_OF = {"train": "train", "validation": "val", "valid": "val", "val": "val", "test": "test"}


class ImageColumn:
    """A column of encoded images.

    Args:
        rows: Of bytes, or of structs with a field `bytes`.
        name: What an error message calls it.
    """

    def __init__(self, rows: RowGroups, name: str) -> None:
        self._rows = rows
        self._name = name

    def read(self, row: int) -> tuple[bytes, str]:
        """The bytes of an image and its name.

        Raises:
            ValueError: If there are none.
        """
        name = f"{self._name} row {row}"
        value = self._rows[row]
        content = value.get("bytes") if isinstance(value, dict) else value
        if not isinstance(content, bytes):
            raise ValueError(f"{name}: expected the image's bytes, found none; embed the images in the file")
        return content, name

    @property
    def num_bytes(self) -> int:
        """What all of it takes in memory, still encoded."""
        return self._rows.num_bytes

    def hold(self) -> None:
        """Read all of it into memory, still encoded."""
        self._rows.held()

    def groups(self, rows: Tensor) -> Tensor:
        """Which row group each row is in."""
        return torch.tensor([self._rows.group_of(row) for row in rows.tolist()])


class Parquet(ImageSource):
    """Parquet files with a column of encoded images and a column of labels, as the Hugging Face Hub keeps them.

    Which set a file belongs to is read from its name or its folder's: `train-00000-of-00002.parquet`,
    `test/0000.parquet`, `data/validation.parquet`. Files with no such name are one labelled set of which a share is
    held out. Where the decoded images fit the data module's `memory_budget`, row groups are read and decoded one after
    another; where only the encoded ones do, those are held. Otherwise workers read row groups as they need them, and an
    epoch goes through the row groups in random order, some at a time, whose images are shuffled together: files that
    are sorted by class should be shuffled before.

    Args:
        files: A folder, a file, or a list of files.
        image_column: The column of images: bytes, or structs with a field `bytes`.
        label_column: The column of labels: integers, or strings, which are numbered in alphabetical order. Where it
            is missing or null, an image has no label.
        holdout: Share of the labelled images that is held out where no file is named for that.
        train_samples: Train on a stratified choice of this many images; all of them if not given.
        seed: Seeds both choices.
        on_bad_image: What to do about images that cannot be decoded, see `Folder`.

    Raises:
        ValueError: If there is no such file or column, the sets have different classes, or a label is not one.

    Example:
        >>> source = Parquet("cifar10/plain_text", image_column="img")  # doctest: +SKIP
    """

    def __init__(
        self,
        files: Files,
        image_column: str = "image",
        label_column: str = "label",
        holdout: float = 0.2,
        train_samples: int | None = None,
        seed: int = 0,
        on_bad_image: OnBadImage = "error",
    ) -> None:
        check_holdout(holdout, train_samples)
        check_policy(on_bad_image)
        self.on_bad_image = on_bad_image
        self.files, self.image_column, self.label_column = files, image_column, label_column
        self.holdout, self.train_samples, self.seed = holdout, train_samples, seed
        self._parts = _find_parts(files)
        _check_files([file for part in self._parts.values() for file in part])
        self._labels, class_names = self._read_labels()
        super().__init__(class_names, num_channels=3, native_size=self._first_size())

    def load(self) -> ImageSplits:
        """The sets, still encoded; images are decoded later."""
        sets = {
            part: readable(self._encoded(part), self.on_bad_image, f"Parquet {self.files}: {part}")
            for part in self._parts
        }
        return arrange(
            f"Parquet {self.files}",
            sets["train"],
            sets.get("val"),
            sets.get("test"),
            holdout=self.holdout,
            train_samples=self.train_samples,
            seed=self.seed,
        )

    def _encoded(self, part: str) -> EncodedImages:
        labels = self._labels[part]
        name = f"{part} ({Path(self._parts[part][0]).name}, ...)"
        column = ImageColumn(RowGroups(self._parts[part], self.image_column), name)
        return EncodedImages(column, torch.arange(len(labels)), labels, self.num_channels)

    def _first_size(self) -> int:
        """The shorter side of the first image that can be read; with "error", of the first one."""
        first = self._parts["train"][0]
        rows = RowGroups([first], self.image_column)
        probe = ImageColumn(rows, first)
        for row in range(len(rows)):
            try:
                return native_size(*probe.read(row))
            except ValueError:
                if self.on_bad_image == "error" or row + 1 == len(rows):
                    raise
        raise ValueError(f"files: {first} has no rows")

    def _read_labels(self) -> tuple[dict[str, Tensor], list[str]]:
        columns = {part: self._label_values(files) for part, files in self._parts.items()}
        names = _declared_names(self._parts["train"][0], self.label_column)
        kinds = {type(value) for column in columns.values() for value in column if value is not None}
        if not kinds:
            raise ValueError(f"label_column: column {self.label_column!r} has no labels in any file")
        if kinds not in ({str}, {int}):
            found = ", ".join(sorted(kind.__name__ for kind in kinds))
            raise ValueError(f"label_column: expected integers or strings in column {self.label_column!r}, got {found}")
        values: set[Any] = {value for column in columns.values() for value in column if value is not None}
        if kinds == {str}:
            names = sorted(values)
            number: dict[Any, int] = {value: position for position, value in enumerate(names)}
        else:
            number = {value: value for value in values}
            names = names or [str(label) for label in range(max(values) + 1)]
        labels = {part: [number.get(value, -1) for value in column] for part, column in columns.items()}
        return {part: torch.tensor(column) for part, column in labels.items()}, names

    def _label_values(self, files: list[str]) -> list[Any]:
        """A label, or None, for each row."""
        import pyarrow.parquet as pq

        values: list[Any] = []
        for file in files:
            with readable_file(file):
                if self.label_column in pq.read_schema(file).names:
                    with pq.ParquetFile(file) as opened:
                        values += opened.read([self.label_column]).column(self.label_column).to_pylist()
                else:
                    values += [None] * pq.read_metadata(file).num_rows
        return values


def _check_files(files: list[str]) -> None:
    import pyarrow.parquet as pq

    for file in files:
        with readable_file(file):
            pq.read_metadata(file)


def _find_parts(files: Files) -> dict[str, list[str]]:
    paths = [str(file) for file in files] if isinstance(files, list) else _expand(Path(files))
    if missing := [path for path in paths if not Path(path).is_file()]:
        raise ValueError(f"files: expected Parquet files, {missing[0]!r} is no file")
    if not paths:
        raise ValueError(f"files: expected Parquet files in {str(files)!r}, found none")
    # Only what tells the files apart can name their sets: all of them may lie below a folder called "train-station".
    base = os.path.commonpath([os.path.dirname(path) for path in paths]) if isinstance(files, list) else str(files)
    parts: dict[str, list[str]] = {}
    for path in paths:
        found = _PART.findall(path.removeprefix(base).removesuffix(".parquet").lower())
        parts.setdefault(_PART_OF[found[-1]] if found else "all", []).append(path)
    if set(parts) == {"all"}:
        return {"train": parts["all"]}
    if "all" in parts or "train" not in parts:
        odd = parts.get("all", paths)[0]
        raise ValueError(f"files: cannot tell which set {odd!r} belongs to; expected train in the name of some file")
    return parts


def _expand(path: Path) -> list[str]:
    return sorted(str(file) for file in path.rglob("*.parquet")) if path.is_dir() else [str(path)]


def _declared_names(file: str, column: str) -> list[str] | None:
    """Class names from the metadata that Hugging Face writes into the schema."""
    import pyarrow.parquet as pq

    metadata = pq.read_schema(file).metadata or {}
    try:
        names = json.loads(metadata[b"huggingface"])["info"]["features"][column]["names"]
    except (KeyError, TypeError, ValueError):  # not written by Hugging Face, or not about classes
        return None
    return [str(name) for name in names] if isinstance(names, list) and names else None
