"""What an image source is: a training set, a labelled reference set, a held-out set, and perhaps a test set."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from lightning.pytorch.utilities import rank_zero_info

from csl.data.images import ImageSet
from csl.data.split import stratified

S = TypeVar("S", bound=ImageSet)

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class ImageSplits:
    """The sets of a source.

    Attributes:
        train: What methods train on; its labels may be missing (-1).
        reference: The labelled set that probes learn from: `train` itself where that is labelled.
        val: The labelled held-out set; shares no image with the two above.
        test: A third labelled set, if the source has one.
    """

    train: ImageSet
    reference: ImageSet
    val: ImageSet
    test: ImageSet | None = None


class ImageSource(ABC):
    """Where images and labels come from; a subclass of your own needs `load` and these three facts.

    Args:
        class_names: Name of each class, in the order of the labels.
        num_channels: 3 for RGB, 1 for grey.
        native_size: Shorter side of a typical image, in pixels.

    Attributes:
        mean: Mean of each channel in [0, 1] that normalised images subtract; a constant of the source, so that a
            checkpoint sees any data set through the same window.
        std: Standard deviation of each channel that they divide by.
        mirror: Whether a mirrored image still shows the same class; without it the recipes never flip.
    """

    mean: ClassVar[tuple[float, ...]] = IMAGENET_MEAN
    std: ClassVar[tuple[float, ...]] = IMAGENET_STD
    mirror: ClassVar[bool] = True

    def __init__(self, class_names: Sequence[str], num_channels: int, native_size: int) -> None:
        self.class_names = tuple(class_names)
        self.num_channels = num_channels
        self.native_size = native_size

    @property
    def num_classes(self) -> int:
        """How many classes there are."""
        return len(self.class_names)

    def prepare(self) -> None:  # noqa: B027 - most sources have nothing to fetch
        """Fetch what is missing; called once a machine, before `load`."""

    @abstractmethod
    def load(self) -> ImageSplits:
        """The sets, indexed but not necessarily decoded."""


def arrange(
    name: str,
    train: ImageSet,
    val: ImageSet | None,
    test: ImageSet | None,
    *,
    holdout: float,
    train_samples: int | None,
    seed: int,
) -> ImageSplits:
    """Give the sets that were found their parts.

    - A lone evaluation set, whatever it is called, is the held-out set.
    - Without one, a stratified share `holdout` of the labelled training images is held out.
    - Beside an unlabelled training set, the labelled one (`val` if there are two) is divided: a share `holdout` of it
      is held out and the rest is the reference set, so that no image is in both.

    Raises:
        ValueError: If no labelled image is left to measure on, or a class is too small to divide.
    """
    if val is None:
        val, test = test, None
    if int(train.labels.min()) >= 0:
        if val is None:
            train, val = hold_out(name, train, holdout, seed)
        train = limited(name, train, train_samples, seed)
        return ImageSplits(train, train, val, test)
    if val is None:
        raise ValueError(f"{name}: the training images have no labels; add a labelled val or test set to measure on")
    reference, val = hold_out(name, val, holdout, seed)
    rank_zero_info(
        f"{name}: {len(train):,} training images without labels; of the labelled evaluation set, {len(reference):,} "
        f"images are the reference and {len(val):,} are held out"
    )
    return ImageSplits(limited(name, train, train_samples, seed), reference, val, test)


def hold_out(name: str, images: S, share: float, seed: int) -> tuple[S, S]:
    """Divide a labelled set into what stays and a stratified, seeded share that is held out."""
    try:
        rest, held = stratified(images.labels, round(share * len(images)), seed)
    except ValueError as error:
        raise ValueError(f"{name}: holdout={share}: {error}") from error
    return images.select(rest), images.select(held)


def limited(name: str, images: S, train_samples: int | None, seed: int) -> S:
    """The set itself, or a stratified, seeded choice of `train_samples` of its images."""
    if train_samples is None or train_samples == len(images):
        return images
    try:
        return images.select(stratified(images.labels, train_samples, seed, keep_rest=False)[1])
    except ValueError as error:
        raise ValueError(f"{name}: train_samples={train_samples}: {error}") from error


def check_holdout(holdout: float, train_samples: int | None) -> None:
    """Refuse shares and counts that cannot be met, whatever the data.

    Raises:
        ValueError: If `holdout` is not between 0 and 1, or `train_samples` is not positive.
    """
    if not 0 < holdout < 1:
        raise ValueError(f"holdout: expected a share between 0 and 1, got {holdout}")
    if train_samples is not None and train_samples < 1:
        raise ValueError(f"train_samples: expected a positive number of images, got {train_samples}")
