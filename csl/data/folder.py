"""Images in folders, one folder a class, or without classes."""

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch import Tensor

from csl.data.decode import native_size
from csl.data.duplicates import MOST, duplicates
from csl.data.folder_classes import Classes, read_classes
from csl.data.folder_index import remembered
from csl.data.folder_scan import scan
from csl.data.folder_sets import find_sets
from csl.data.images import EncodedImages, ImageSet
from csl.data.readable import OnBadImage, check_policy, readable
from csl.data.record import DataRecord, Tally, printable
from csl.data.source import ImageSource, ImageSplits, arrange, check_holdout, measured_on

_NUM_PROBES = 32
_OVERLAP = "images that are in the evaluation set, too"


class ImagePaths:
    """Paths of image files, in one compact array that worker processes share.

    Args:
        folder: What the paths start from.
        files: The files below it.
        prefix: Written before a file's name in a record, to tell the sets of a root apart.
    """

    def __init__(self, folder: str, files: Sequence[str], prefix: str = "") -> None:
        self._folder, self._prefix = folder, prefix
        self._files = np.array([os.fsencode(name) for name in files], dtype=bytes)

    def read(self, row: int) -> tuple[str, str]:
        """The path of an image, which is also its name."""
        path = os.path.join(self._folder, self._name(row))
        return path, path

    def key(self, row: int) -> str:
        """The path from the root."""
        return self._prefix + self._name(row)

    def _name(self, row: int) -> str:
        return os.fsdecode(bytes(self._files[row]))

    @property
    def num_bytes(self) -> int:
        """Files stay where they are."""
        return 0

    def hold(self) -> None:
        """Files are ready as they are."""

    def groups(self, rows: Tensor) -> None:
        """Any order of files is as good."""


class Folder(ImageSource):
    """A folder of images: RGB, of any size and common kind.

    Understood are `train/<class>/*` with `val/<class>/*`, `test/<class>/*` or both (also called training, valid,
    validation, dev or testing, in any case); `<class>/*` alone, of which a share is held out; and images without
    classes, in one folder or in `train`, which are trained on without labels. These are measured on a labelled `val` or
    `test` beside them, which is then divided into the reference set and the held-out set, or on `evaluate_on`; without
    either, only what needs no labels is measured, on a share that is held out.

    An image is a file whose name ends as an image's does, or that begins as one. Hidden files and folders, what systems
    leave behind (`__MACOSX`, `@eaDir`, `Thumbs.db`), backup copies and other files are passed over, counted and named
    in the record. Links are followed, but not to what is read without them. Where names leave open what they mean, an
    error says what to do. The listing of a large folder is kept for later runs (`csl.data.folder_index`).

    Args:
        root: The folder.
        holdout: Share of the images that is held out where the folder itself names no such set.
        train_samples: Train on a stratified choice of this many images; all of them if not given.
        seed: Seeds both choices.
        on_bad_image: What to do about images that cannot be decoded. "error" refuses them by name, before training
            where images fit in memory and else when one is met; "skip" decodes every image once beforehand, and counts,
            lists and leaves out what fails.
        class_level: Which level of folders names the class: 1 for `<class>/*`, 2 for `<group>/<class>/*` (the class is
            called `<group>/<class>`), 0 for none, which takes all images as unlabelled however they lie. Found out if
            not given, and refused if that is unclear.
        evaluate_on: A labelled folder elsewhere, of any form that `root` may have. All images in `root` (in its
            training set, if it has sets) are then trained on without labels, other than those that are in this folder,
            too, and `class_level` is about this folder.

    Raises:
        ValueError: If the folder or a class in it is missing or empty, a set has a class that the training set has not,
            it is unclear what a folder means, or an image looked at for its size cannot be read.

    Example:
        >>> source = Folder("photos", holdout=0.1)  # doctest: +SKIP
        >>> source.class_names  # doctest: +SKIP
        ('cat', 'dog')
        >>> Folder("downloads", evaluate_on="photos").load().train.labels.max()  # doctest: +SKIP
        tensor(-1)
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        holdout: float = 0.2,
        train_samples: int | None = None,
        seed: int = 0,
        on_bad_image: OnBadImage = "error",
        class_level: int | None = None,
        evaluate_on: str | os.PathLike[str] | None = None,
    ) -> None:
        check_holdout(holdout, train_samples)
        check_policy(on_bad_image)
        if class_level is not None and class_level < 0:
            raise ValueError(f"class_level: expected a level of folders from 0, got {class_level}")
        self.root, self.on_bad_image = Path(root).expanduser(), on_bad_image
        self.holdout, self.train_samples, self.seed = holdout, train_samples, seed
        self.evaluation = _evaluation(evaluate_on, holdout, seed, on_bad_image, class_level)
        self._sets = self._read(class_level if self.evaluation is None else 0)
        names = self._class_names() if self.evaluation is None else self.evaluation.class_names
        super().__init__(names, num_channels=3, native_size=self._typical_size())

    def load(self) -> ImageSplits:
        """The sets, as paths; images are decoded later."""
        tally, sets = Tally(self._tally.entries()), {}
        for part in self._sets:
            sets[part], bad = readable(self._encoded(part), self.on_bad_image, f"Folder {self.root}: {part}")
            tally.merge(bad)
        splits = self._arranged(sets, tally)
        tally.merge(splits.passed_over)
        return replace(splits, passed_over=tally.entries(), notes=(*self._notes, *splits.notes))

    def record(self, splits: ImageSplits | None = None) -> DataRecord:
        """What was read, and whether the held-out images are copies of others, byte for byte."""
        splits = self.load() if splits is None else splits
        return super().record(replace(splits, notes=(*splits.notes, *_copies(splits))))

    def _origin(self) -> str:
        return f"{type(self).__name__} {self.root}"

    def _read(self, level: int | None) -> dict[str, tuple[Path, Classes]]:
        """The folder of each set, and the files of its classes."""
        folders, self._tally, self._notes = find_sets(self.root)
        if self.evaluation is not None:
            folders = {"train": folders["train"]}
        listings = {}
        for part, folder in folders.items():
            listings[part], kept = remembered(folder, scan)
            self._tally.merge(listings[part].passed_over, _prefix(self.root, folder))
            if kept:
                self._notes.append(f"{part}: the listing is that of an earlier run, kept in {kept}")
        classes, notes = read_classes(self.root, folders, listings, level, self._tally)
        self._notes += notes
        if odd := [
            f"{part} is {folder.name}" for part, folder in folders.items() if len(folders) > 1 and folder.name != part
        ]:
            self._notes.append(f"by the names of the folders, {', '.join(odd)}")
        return {part: (folder, classes[part]) for part, folder in folders.items()}

    def _class_names(self) -> list[str]:
        """The classes of the first set that has some."""
        return next((list(classes) for _, classes in self._sets.values() if "" not in classes), [])

    def _arranged(self, sets: dict[str, EncodedImages], tally: Tally) -> ImageSplits:
        name, samples, seed = self._origin(), self.train_samples, self.seed
        if self.evaluation is None:
            parts = sets["train"], sets.get("val"), sets.get("test")
            return arrange(name, *parts, holdout=self.holdout, train_samples=samples, seed=seed)
        theirs = self.evaluation.load()
        measured = set(_real([path for images in theirs.sets().values() for path in _paths(images)]))
        train, shared = _without(sets["train"], measured)
        for file in shared:
            tally.add(_OVERLAP, file)
        if len(train) == 0:
            raise ValueError(f"root: every image in {str(self.root)!r} is in evaluate_on, too")
        return measured_on(name, train, theirs, self.evaluation._origin(), train_samples=samples, seed=seed)

    def _encoded(self, part: str) -> EncodedImages:
        folder, classes = self._sets[part]
        label_of = {name: label for label, name in enumerate(self.class_names)}
        files = [name for names in classes.values() for name in names]
        labels = [label_of.get(name, -1) for name, names in classes.items() for _ in names]
        paths = ImagePaths(str(folder), files, _prefix(self.root, folder))
        return EncodedImages(paths, torch.arange(len(files)), torch.tensor(labels), self.num_channels)

    def _typical_size(self) -> int:
        """The median shorter side of some training images, spread over all of them."""
        folder, classes = self._sets["train"]
        paths = [os.path.join(folder, name) for names in classes.values() for name in names]
        sizes = []
        for path in paths[:: max(1, len(paths) // _NUM_PROBES)]:
            try:
                sizes.append(native_size(path, path))
            except ValueError:
                if self.on_bad_image == "error":
                    raise
        if not sizes:
            raise ValueError(
                f"root: none of the images looked at in {str(self.root)!r} can be read, such as {paths[0]}"
            )
        return int(median(sizes))


def _evaluation(
    root: str | os.PathLike[str] | None, holdout: float, seed: int, on_bad_image: OnBadImage, class_level: int | None
) -> Folder | None:
    """The labelled folder to measure on."""
    if root is None:
        return None
    try:
        source = Folder(root, holdout, None, seed, on_bad_image, class_level)
    except ValueError as error:
        raise ValueError(f"evaluate_on: {str(error).removeprefix('root: ')}") from error
    if not source.class_names:
        raise ValueError(f"evaluate_on: the images in {str(source.root)!r} have no labels; expected folders of classes")
    return source


def _prefix(root: Path, folder: Path) -> str:
    return "" if folder == root else f"{folder.relative_to(root).as_posix()}/"


def _paths(images: ImageSet) -> list[str]:
    assert isinstance(images, EncodedImages)
    return [images.name(position) for position in range(len(images))]


def _real(paths: list[str]) -> list[str]:
    """Where files really are; folders are looked up once."""
    real = cache(os.path.realpath)
    return [
        os.path.realpath(path) if os.path.islink(path) else os.path.join(real(head), tail)
        for path, (head, tail) in zip(paths, map(os.path.split, paths), strict=True)
    ]


def _without(images: EncodedImages, paths: set[str]) -> tuple[EncodedImages, list[str]]:
    """The images that are none of these files, and the names of the others."""
    shared = torch.tensor([path in paths for path in _real(_paths(images))], dtype=torch.bool)
    return images.select((~shared).nonzero().flatten()), images.select(shared.nonzero().flatten()).keys()


def _copies(splits: ImageSplits) -> list[str]:
    """Sentences about held-out images that are copies of images that are learned from."""
    sets = splits.sets()
    learned = list(dict.fromkeys(path for part in ("train", "reference") for path in _paths(sets.pop(part))))
    if len(learned) + sum(map(len, sets.values())) > MOST:
        return [f"copies of training images in other sets were not looked for among more than {MOST:,} files"]
    pairs = {part: duplicates(_paths(images), learned) for part, images in sets.items()}
    return [
        f"{len(found):,} of {len(sets[part]):,} images of {part} are copies of training images, byte for byte "
        f"({printable(found[0][0])} is {printable(found[0][1])})"
        for part, found in pairs.items()
        if found
    ]
