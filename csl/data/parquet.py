"""Images in Parquet files, as the Hugging Face Hub keeps them."""

import os
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor

from csl.data.decode import native_size
from csl.data.folder_scan import HIDDEN
from csl.data.images import EncodedImages
from csl.data.parquet_labels import read_labels
from csl.data.readable import OnBadImage, check_policy, readable
from csl.data.record import Tally
from csl.data.row_groups import RowGroups, readable_file
from csl.data.set_names import is_hidden, part_of
from csl.data.source import ImageSource, ImageSplits, arrange, check_holdout, measured_on

# The list comes first: on a command line, a string would swallow it.
Files: TypeAlias = list[str] | str | os.PathLike[str]


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

    def key(self, row: int) -> str:
        """The last part of the file's name, and where the row is in the set."""
        return f"{os.path.basename(self._rows.file_of(row))} row {row}"

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
    `test/0000.parquet`, `data/validation.parquet` (also training, valid, dev or testing, in any case). Files with no
    such name are one set of which a share is held out; hidden files are passed over. Without any labels, the images are
    trained on all the same; they are measured on `evaluate_on`, or else only by what needs no labels.

    Where the decoded images fit the data module's `memory_budget`, row groups are read and decoded one after another;
    where only the encoded ones do, those are held. Otherwise workers read row groups as they need them, and an epoch
    goes through the row groups in random order, some at a time, whose images are shuffled together: files that are
    sorted by class should be shuffled before.

    Args:
        files: A folder, a file, or a list of files.
        image_column: The column of images: bytes, or structs with a field `bytes`.
        label_column: The column of labels: strings, which are numbered in alphabetical order, or integers, which are
            positions in the list of names that the files declare, or else classes called by these numbers. Where it is
            missing from a file, null or -1, an image has no label. null if there are no labels.
        holdout: Share of the labelled images that is held out where no file is named for that.
        train_samples: Train on a stratified choice of this many images; all of them if not given.
        seed: Seeds both choices.
        on_bad_image: What to do about images that cannot be decoded, see `Folder`.
        evaluate_on: A labelled file, list or folder elsewhere, with the same columns. All images in `files` (in their
            training set, if there are sets) are then trained on without labels.

    Raises:
        ValueError: If there is no such file or column, or a label is not one.

    Example:
        >>> source = Parquet("cifar10/plain_text", image_column="img")  # doctest: +SKIP
    """

    def __init__(
        self,
        files: Files,
        image_column: str = "image",
        label_column: str | None = "label",
        holdout: float = 0.2,
        train_samples: int | None = None,
        seed: int = 0,
        on_bad_image: OnBadImage = "error",
        evaluate_on: Files | None = None,
    ) -> None:
        check_holdout(holdout, train_samples)
        check_policy(on_bad_image)
        self.on_bad_image = on_bad_image
        self.files, self.image_column, self.label_column = files, image_column, label_column
        self.holdout, self.train_samples, self.seed = holdout, train_samples, seed
        self._tally = Tally()
        self._parts = _find_parts(files, self._tally)
        self.evaluation = None if evaluate_on is None else self._evaluation(evaluate_on)
        if self.evaluation is not None:
            self._parts, label_column = {"train": self._parts["train"]}, None
        _check_files([file for part in self._parts.values() for file in part])
        self._labels, own_names, self._notes = read_labels(self._parts, label_column, image_column)
        names = own_names if self.evaluation is None else self.evaluation.class_names
        super().__init__(names, num_channels=3, native_size=self._first_size())

    def load(self) -> ImageSplits:
        """The sets, still encoded; images are decoded later."""
        tally, sets = Tally(self._tally.entries()), {}
        for part in self._parts:
            sets[part], bad = readable(self._encoded(part), self.on_bad_image, f"Parquet {self.files}: {part}")
            tally.merge(bad)
        splits = self._arranged(sets)
        tally.merge(splits.passed_over)
        return replace(splits, passed_over=tally.entries(), notes=(*self._notes, *splits.notes))

    def _arranged(self, sets: dict[str, EncodedImages]) -> ImageSplits:
        name, samples, seed = self._origin(), self.train_samples, self.seed
        if self.evaluation is not None:
            theirs = self.evaluation.load(), self.evaluation._origin()
            return measured_on(name, sets["train"], *theirs, train_samples=samples, seed=seed)
        parts = sets["train"], sets.get("val"), sets.get("test")
        return arrange(name, *parts, holdout=self.holdout, train_samples=samples, seed=seed)

    def _origin(self) -> str:
        files = ", ".join(map(str, self.files)) if isinstance(self.files, list) else str(self.files)
        return f"{type(self).__name__} {files}"

    def _evaluation(self, files: Files) -> "Parquet":
        try:
            columns = self.image_column, self.label_column
            source = Parquet(files, *columns, self.holdout, None, self.seed, self.on_bad_image)
        except ValueError as error:
            raise ValueError(f"evaluate_on: {str(error).removeprefix('files: ')}") from error
        if not source.class_names:
            raise ValueError(f"evaluate_on: the images in {files} have no labels")
        return source

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


def _check_files(files: list[str]) -> None:
    import pyarrow.parquet as pq

    for file in files:
        with readable_file(file):
            pq.read_metadata(file)


def _find_parts(files: Files, tally: Tally) -> dict[str, list[str]]:
    listed = isinstance(files, list)
    paths = [_user(file) for file in files] if isinstance(files, list) else _expand(Path(_user(files)), tally)
    if missing := [path for path in paths if not Path(path).is_file()]:
        raise ValueError(f"files: expected Parquet files, {missing[0]!r} is no file")
    if not paths:
        raise ValueError(f"files: expected Parquet files in {str(files)!r}, found none")
    if twice := [path for path, count in Counter(map(os.path.realpath, paths)).items() if count > 1]:
        raise ValueError(f"files: expected every file once, got {twice[0]!r} several times")
    # Only what tells the files apart can name their sets: all of them may lie below a folder called "train-station".
    base = os.path.commonpath([os.path.dirname(path) for path in paths]) if listed else _user(str(files))
    parts: dict[str, list[str]] = {}
    for path in paths:
        words = re.split(r"[/_.-]", path.removeprefix(base).lower().removesuffix(".parquet"))
        found = [part for part in map(part_of, words) if part]
        parts.setdefault(found[-1] if found else "all", []).append(path)
    if set(parts) == {"all"}:
        return {"train": parts["all"]}
    if "all" in parts or "train" not in parts:
        odd = parts.get("all", paths)[0]
        raise ValueError(f"files: cannot tell which set {odd!r} belongs to; expected train in the name of some file")
    return parts


def _expand(path: Path, tally: Tally) -> list[str]:
    """The files of a folder, other than hidden ones."""
    if not path.is_dir():
        return [str(path)]
    files = sorted(file for file in path.rglob("*") if file.suffix.lower() == ".parquet")
    hidden = {file for file in files if any(map(is_hidden, file.relative_to(path).parts))}
    for file in files:
        if file in hidden:
            tally.add(HIDDEN, str(file.relative_to(path)))
    return [str(file) for file in files if file not in hidden]


def _user(path: str | os.PathLike[str]) -> str:
    return os.path.expanduser(path)
