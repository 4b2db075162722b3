"""Images from any map-style data set of PyTorch, such as torchvision's or one of your own."""

from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
from lightning.pytorch.utilities import rank_zero_info
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from csl.data.decode import native_size
from csl.data.images import EncodedImages
from csl.data.source import IMAGENET_MEAN, IMAGENET_STD, ImageSource, ImageSplits, arrange, check_holdout

if TYPE_CHECKING:
    MapStyle: TypeAlias = Dataset[Any]
else:  # a parameter in brackets would hide the subclasses from the command line
    MapStyle = Dataset
_NUM_PROBES = 32
_GREY = ("1", "L", "LA", "I", "I;16")  # Pillow's modes without colours
_WANTED = "expected an image, or (image, label), with a PIL image or a uint8 tensor [C, H, W] or [H, W]"


class Items:
    """The images of a data set, which it makes when they are asked for.

    Args:
        dataset: Whose item is an image, or an image and its label.
        name: What messages call it.
    """

    num_bytes = 0

    def __init__(self, dataset: MapStyle, name: str) -> None:
        self._dataset, self._name = dataset, name

    def read(self, row: int) -> tuple[Image.Image, str]:
        """An image and its name."""
        return as_pil(parts(self._dataset[row])[0], f"{self._name}[{row}]"), f"{self._name}[{row}]"

    def key(self, row: int) -> str:
        """The image's file where the data set lists its files as torchvision's do, else its number."""
        files = getattr(self._dataset, "samples", None)
        return str(files[row][0]) if isinstance(files, list) else f"{self._name}[{row}]"

    def hold(self) -> None:
        """The data set is ready as it is."""

    def groups(self, rows: Tensor) -> None:
        """Any order is as good."""


class AnyDataset(ImageSource):
    """Any map-style `torch.utils.data.Dataset` whose items are (image, label) pairs, or images alone.

    Images are PIL images or uint8 tensors, of any size; a data set should have no transform of its own that makes
    floats of them, as views are drawn here. Labels are integers from 0; None and -1 mean that there is none. They are
    taken from the attribute `targets`, as torchvision's data sets have it, or else found by a walk through all items,
    once. Images are held in memory where they fit the data module's `memory_budget`; else workers ask for them.

    Args:
        train: What methods train on.
        val: The held-out set; if not given, a share of `train` is held out.
        test: A third set.
        holdout: Share of the images that is held out where `val` and `test` are not given.
        train_samples: Train on a stratified choice of this many images; all of them if not given.
        seed: Seeds both choices.
        class_names: Name of each class; those in the attribute `classes` of `train`, or numbers, if not given.
        mean: Mean of each channel in [0, 1] that normalised images subtract; ImageNet's if not given.
        std: Standard deviation of each channel that they divide by; ImageNet's if not given.

    Raises:
        ValueError: If a data set is empty or has no length, or an item is no image, or a label no integer.

    Example:
        >>> pairs = [(Image.new("RGB", (9, 8), (20 * i, 0, 0)), i % 2) for i in range(10)]
        >>> source = AnyDataset(pairs, class_names=["even", "odd"])
        >>> len(source.load().train), source.native_size
        (8, 8)
    """

    def __init__(
        self,
        train: MapStyle,
        val: MapStyle | None = None,
        test: MapStyle | None = None,
        holdout: float = 0.2,
        train_samples: int | None = None,
        seed: int = 0,
        class_names: Sequence[str] | None = None,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ) -> None:
        check_holdout(holdout, train_samples)
        self._sets = {name: one for name, one in (("train", train), ("val", val), ("test", test)) if one is not None}
        for name, one in self._sets.items():
            _check(one, name)
        self.holdout, self.train_samples, self.seed = holdout, train_samples, seed
        self._labels = {name: labels_of(one, name) for name, one in self._sets.items()}
        probes = [Items(train, "train").read(row)[0] for row in range(0, len(_sized(train)), _step(train))]
        channels = 1 if all(image.mode in _GREY for image in probes) else 3
        size = int(median(native_size(image, "train") for image in probes))
        super().__init__(self._names(train, class_names), num_channels=channels, native_size=size)
        self.mean, self.std = _window(mean, IMAGENET_MEAN, channels), _window(std, IMAGENET_STD, channels)

    def load(self) -> ImageSplits:
        """The sets; images are made later."""
        sets = {
            name: EncodedImages(Items(one, name), torch.arange(len(labels)), labels, self.num_channels)
            for (name, one), labels in zip(self._sets.items(), self._labels.values(), strict=True)
        }
        parts = sets["train"], sets.get("val"), sets.get("test")
        samples = self.train_samples
        return arrange(self._origin(), *parts, holdout=self.holdout, train_samples=samples, seed=self.seed)

    def _origin(self) -> str:
        kind = type(self._sets["train"])
        return f"{type(self).__name__} {kind.__module__}.{kind.__qualname__}"

    def _names(self, train: MapStyle, given: Sequence[str] | None) -> list[str]:
        """The names of the classes that the labels count."""
        count = 1 + max(int(labels.max()) for labels in self._labels.values())
        known = given if given is not None else getattr(train, "classes", None)
        names = list(map(str, known)) if isinstance(known, list | tuple) else []
        if given is not None and len(names) < count:
            raise ValueError(f"class_names: expected {count} names, for labels up to {count - 1}, got {len(names)}")
        return names if len(names) >= count > 0 else list(map(str, range(count)))


def parts(item: Any) -> tuple[Any, Any]:
    """The image of an item and its label, None where it has none."""
    return (item[0], item[1]) if isinstance(item, list | tuple) and len(item) > 1 else (item, None)


def as_pil(image: Any, name: str) -> Image.Image:
    """A PIL image, or a uint8 tensor as one.

    Raises:
        ValueError: If it is neither; names it.
    """
    if isinstance(image, Image.Image):
        return image
    if isinstance(image, Tensor) and image.dtype == torch.uint8 and image.ndim in (2, 3):
        channels = image if image.ndim == 3 else image.unsqueeze(0)
        if channels.shape[0] in (1, 3):
            pixels = channels.permute(1, 2, 0).numpy()
            return Image.fromarray(np.ascontiguousarray(pixels[..., 0] if len(channels) == 1 else pixels))
    got = type(image).__name__
    if isinstance(image, Tensor):
        got = f"a tensor of {str(image.dtype).removeprefix('torch.')} {list(image.shape)}"
        hint = "; leave out transforms such as ToTensor and Normalize" if image.is_floating_point() else ""
        got += hint
    raise ValueError(f"{name}: {_WANTED}, got {got}")


def labels_of(dataset: MapStyle, name: str) -> Tensor:
    """The label of each item `[N]`, int64; -1 where it has none.

    Args:
        dataset: The data set.
        name: What messages call it.

    Raises:
        ValueError: If a label is no integer.
    """
    count = len(_sized(dataset))
    found = getattr(dataset, "targets", None)
    if found is None or len(found) != count or getattr(dataset, "target_transform", None) is not None:
        kind = type(dataset).__name__
        rank_zero_info(f"{name}: {kind} has no `targets`: all {count:,} items are read once for their labels")
        found = [parts(dataset[row])[1] for row in range(count)]
    labels = [-1 if label is None else label for label in (found.tolist() if isinstance(found, Tensor) else found)]
    for row, label in enumerate(labels):
        if not _is_integer(label):
            raise ValueError(f"{name}[{row}]: expected an integer from 0 as label, or None, got {label!r}")
    return torch.tensor([int(label) for label in labels], dtype=torch.int64)


def _is_integer(label: Any) -> bool:
    if isinstance(label, Tensor | np.ndarray):
        return label.ndim == 0 and not np.issubdtype(np.asarray(label).dtype, np.floating)
    return isinstance(label, int | np.integer) and not isinstance(label, bool)


def _check(dataset: Any, name: str) -> None:
    if not hasattr(dataset, "__getitem__") or not hasattr(dataset, "__len__"):
        raise ValueError(f"{name}: expected a data set with items and a length, got {type(dataset).__name__}")
    if len(dataset) == 0:
        raise ValueError(f"{name}: expected images, found none in {type(dataset).__name__}")


def _sized(dataset: Any) -> Any:
    """A data set as what has a length, which the type does not promise."""
    return dataset


def _step(dataset: MapStyle) -> int:
    return max(1, len(_sized(dataset)) // _NUM_PROBES)


def _window(given: Sequence[float] | None, default: tuple[float, ...], channels: int) -> tuple[float, ...]:
    """What was given; else ImageNet's, for grey images the mean of its channels."""
    if given is not None:
        return tuple(map(float, given))
    return default if channels == 3 else (sum(default) / len(default),)
