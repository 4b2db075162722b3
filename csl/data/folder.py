"""Images in folders, one folder a class."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch import Tensor

from csl.data.decode import native_size
from csl.data.folder_index import Classes, remembered
from csl.data.images import EncodedImages
from csl.data.readable import OnBadImage, check_policy, readable
from csl.data.source import ImageSource, ImageSplits, arrange, check_holdout

EXTENSIONS = frozenset([".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"])
_VAL_NAMES = ("val", "valid", "validation")
_NUM_PROBES = 32


class ImagePaths:
    """Paths of image files, in one compact array that worker processes share.

    Args:
        paths: The files.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = np.array([os.fsencode(path) for path in paths])

    def read(self, row: int) -> tuple[str, str]:
        """The path of an image, which is also its name."""
        path = os.fsdecode(bytes(self._paths[row]))
        return path, path

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

    Understood are `train/<class>/*` with `val/<class>/*`, `test/<class>/*` or both; `<class>/*` alone, of which a share
    is held out; and `train/*` without classes, an unlabelled training set, beside a labelled `val` or `test`, which is
    then divided into the reference set and the held-out set. Files that are not images by their extension, and
    hidden ones, are passed over. The listing of a large folder is kept for later runs (`csl.data.folder_index`).

    Args:
        root: The folder.
        holdout: Share of the labelled images that is held out where the folder itself names no such set.
        train_samples: Train on a stratified choice of this many images; all of them if not given.
        seed: Seeds both choices.
        on_bad_image: What to do about images that cannot be decoded. "error" refuses them by name, before training
            where images fit in memory and else when one is met; "skip" decodes every image once beforehand, and counts,
            lists and leaves out what fails.

    Raises:
        ValueError: If the folder or a class in it is missing or empty, the sets have different classes, or an image
            looked at for its size cannot be read.

    Example:
        >>> source = Folder("photos", holdout=0.1)  # doctest: +SKIP
        >>> source.class_names  # doctest: +SKIP
        ('cat', 'dog')
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        holdout: float = 0.2,
        train_samples: int | None = None,
        seed: int = 0,
        on_bad_image: OnBadImage = "error",
    ) -> None:
        check_holdout(holdout, train_samples)
        check_policy(on_bad_image)
        self.root, self.on_bad_image = Path(root), on_bad_image
        self.holdout, self.train_samples, self.seed = holdout, train_samples, seed
        self._sets = _find_sets(self.root)
        class_names = _common_classes(self._sets)
        super().__init__(class_names, num_channels=3, native_size=self._typical_size())

    def load(self) -> ImageSplits:
        """The sets, as paths; images are decoded later."""
        sets = {
            part: readable(self._encoded(classes), self.on_bad_image, f"Folder {self.root}: {part}")
            for part, classes in self._sets.items()
        }
        return arrange(
            f"Folder {self.root}",
            sets["train"],
            sets.get("val"),
            sets.get("test"),
            holdout=self.holdout,
            train_samples=self.train_samples,
            seed=self.seed,
        )

    def _encoded(self, classes: dict[str, list[str]]) -> EncodedImages:
        label_of = {name: label for label, name in enumerate(self.class_names)}
        paths = [path for files in classes.values() for path in files]
        labels = [label_of.get(name, -1) for name, files in classes.items() for _ in files]
        return EncodedImages(ImagePaths(paths), torch.arange(len(paths)), torch.tensor(labels), self.num_channels)

    def _typical_size(self) -> int:
        """The median shorter side of some training images, spread over all of them."""
        paths = [path for files in self._sets["train"].values() for path in files]
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


def _find_sets(root: Path) -> dict[str, Classes]:
    if not root.is_dir():
        raise ValueError(f"root: expected a folder of images, got {str(root)!r}, which is not a folder")
    if not (root / "train").is_dir():
        return {"train": remembered(root, _find_classes)}
    sets = {"train": remembered(root / "train", _find_classes_or_images)}
    val = [name for name in _VAL_NAMES if (root / name).is_dir()]
    if len(val) > 1:
        raise ValueError(f"root: expected one validation folder in {str(root)!r}, got {' and '.join(val)}")
    found = {"val": val[0]} if val else {}
    found |= {"test": "test"} if (root / "test").is_dir() else {}
    return sets | {part: remembered(root / name, _find_classes) for part, name in found.items()}


def _find_classes_or_images(folder: Path, looked_into: list[str]) -> Classes:
    return _find_classes(folder, looked_into, unlabelled=True)


def _find_classes(folder: Path, looked_into: list[str], unlabelled: bool = False) -> Classes:
    looked_into.append(str(folder))
    names = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir() and not entry.name.startswith("."))
    if not names:
        files = sorted(_images_in(folder, looked_into)) if unlabelled else []
        if not files:
            expected = "images or a folder of images for each class" if unlabelled else "a folder of images a class"
            raise ValueError(f"root: expected {expected} in {str(folder)!r}, found none")
        return {"": files}
    classes = {name: sorted(_images_in(folder / name, looked_into)) for name in names}
    if empty := [name for name, files in classes.items() if not files]:
        raise ValueError(f"root: class folder {str(folder / empty[0])!r} has no images ({_known_extensions()})")
    return classes


def _images_in(folder: str | os.PathLike[str], looked_into: list[str], seen: set[str] | None = None) -> Iterator[str]:
    """The image files in a folder and below; links are followed, but no folder is entered twice."""
    seen = set() if seen is None else seen
    real = os.path.realpath(folder)
    if real in seen:
        return
    seen.add(real)
    looked_into.append(str(folder))
    for entry in os.scandir(folder):
        if entry.is_dir():
            yield from _images_in(entry.path, looked_into, seen)
        elif _has_image_name(entry.name) and (entry.is_file() or not os.path.exists(entry.path)):
            # A pipe would be waited for; a link to nothing is an image that cannot be read.
            yield entry.path


def _has_image_name(name: str) -> bool:
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in EXTENSIONS


def _known_extensions() -> str:
    return "looked for " + ", ".join(sorted(EXTENSIONS))


def _common_classes(sets: dict[str, Classes]) -> list[str]:
    labelled = {part: classes for part, classes in sets.items() if "" not in classes}
    if not labelled:
        raise ValueError("root: the training images have no labels and there is no labelled val or test folder")
    first, *others = labelled
    for other in others:
        if difference := sorted(set(labelled[first]) ^ set(labelled[other])):
            sides = [f"{name!r} only in {first if name in labelled[first] else other}" for name in difference[:5]]
            raise ValueError(f"root: {first} and {other} have different classes: {', '.join(sides)}")
    return list(labelled[first])
