"""What an image source is: a training set, a reference set, a held-out set, and perhaps a test set."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar

from csl.data.images import ImageSet
from csl.data.record import DataRecord, PassedOver
from csl.data.split import stratified

S = TypeVar("S", bound=ImageSet)

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

_WITHOUT_LABELS = {"val": "it is not used, as the others have labels", "test": "it serves predict alone"}


@dataclass(frozen=True)
class ImageSplits:
    """The sets of a source, and how they came about.

    The reference set and the held-out set have labels both, or neither has: then the source has no classes, and what
    needs labels is not measured.

    Attributes:
        train: What methods train on; its labels may be missing (-1).
        reference: The set that probes learn from: `train` itself where that is labelled, or where nothing is.
        val: The held-out set; shares no image with the two above.
        test: A third set, if the source has one; without labels, it serves `predict` alone.
        held_out: How the held-out set came about, in words.
        passed_over: What was not read, and why.
        notes: What else a reader of the results should know, a sentence each.
    """

    train: ImageSet
    reference: ImageSet
    val: ImageSet
    test: ImageSet | None = None
    held_out: str = ""
    passed_over: tuple[PassedOver, ...] = ()
    notes: tuple[str, ...] = ()

    def sets(self) -> dict[str, ImageSet]:
        """The sets by name."""
        sets = {"train": self.train, "reference": self.reference, "val": self.val}
        return sets if self.test is None else sets | {"test": self.test}


class ImageSource(ABC):
    """Where images and labels come from; a subclass of your own needs `load` and these three facts.

    Args:
        class_names: Name of each class, in the order of the labels; none if no image has a label.
        num_channels: 3 for RGB, 1 for grey.
        native_size: Shorter side of a typical image, in pixels.

    Attributes:
        mean: Mean of each channel in [0, 1] that normalised images subtract; a constant of the source, so that a
            checkpoint sees any data set through the same window.
        std: Standard deviation of each channel that they divide by.
        mirror: Whether a mirrored image still shows the same class; without it the recipes never flip.
    """

    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
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

    def record(self, splits: ImageSplits | None = None) -> DataRecord:
        """What was read: counts, classes, how the held-out set came about, what was passed over, a hash.

        Args:
            splits: What `load` gave; loaded if not given.
        """
        splits = self.load() if splits is None else splits
        return DataRecord.of(
            self._origin(),
            splits.sets(),
            self.class_names,
            held_out=splits.held_out,
            passed_over=splits.passed_over,
            notes=splits.notes,
        )

    def _origin(self) -> str:
        """The source, and where it reads from."""
        return type(self).__name__


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
    - Without one, a share `holdout` of the training images is held out, of every class the same.
    - Beside an unlabelled training set, the labelled one (`val` if there are two) is divided: a share `holdout` of it
      is held out and the rest is the reference set, so that no image is in both.
    - Where no image has a label, the same sets serve without. Otherwise a `val` without labels is not used, and a
      `test` without labels is for `predict`.

    Raises:
        ValueError: If some training images have labels, others have not, and there is no other labelled set; or if a
            class is too small to divide.
    """
    given = {part: images for part, images in (("val", val), ("test", test)) if images is not None}
    usable = {part: images for part, images in given.items() if has_labels(images)}
    if not usable and not has_labels(train):
        usable = given
    notes = [f"{part}: no image has a label; {_WITHOUT_LABELS[part]}" for part in given if part not in usable]
    part, held = next(iter(usable.items()), ("", None))
    if held is None:
        _refuse_partial(name, train)
        train, held = hold_out(name, train, holdout, seed)
        words = f"{_share(holdout, held)}, drawn with seed {seed}"
    else:
        words = f"the {part} set"
    reference: ImageSet | None = None
    if has_labels(held) and not _is_labelled(train):
        reference, held = hold_out(name, held, holdout, seed)
        words = f"{_share(holdout, held)} of {words}, drawn with seed {seed}; the rest of it is the reference set"
    chosen, cut = limited(name, train, train_samples, seed)
    test = None if part == "test" else test
    return ImageSplits(chosen, chosen if reference is None else reference, held, test, words, notes=(*notes, *cut))


def _refuse_partial(name: str, train: ImageSet) -> None:
    if has_labels(train) and not _is_labelled(train):
        count = int((train.labels >= 0).sum())
        raise ValueError(
            f"{name}: only {count:,} of {len(train):,} training images have labels; add a labelled val or test set to "
            "measure on, or leave the labels out"
        )


def _share(holdout: float, held: ImageSet) -> str:
    return f"a share of {holdout:g} of {'every class' if has_labels(held) else 'the images'}"


def _is_labelled(images: ImageSet) -> bool:
    return bool((images.labels >= 0).all())


def measured_on(
    name: str, train: ImageSet, theirs: ImageSplits, where: str, *, train_samples: int | None, seed: int
) -> ImageSplits:
    """Train on images without labels, and measure on the reference set and the held-out set that lie elsewhere."""
    train, cut = limited(name, train, train_samples, seed)
    held_out, notes = f"{theirs.held_out}, in {where}", (f"reference and val are those of {where}", *theirs.notes)
    return replace(theirs, train=train, held_out=held_out, notes=(*notes, *cut))


def has_labels(images: ImageSet) -> bool:
    """Whether any image of a set has a label."""
    return bool((images.labels >= 0).any())


def hold_out(name: str, images: S, share: float, seed: int) -> tuple[S, S]:
    """Divide a labelled set into what stays and a stratified, seeded share that is held out."""
    try:
        rest, held = stratified(images.labels, round(share * len(images)), seed)
    except ValueError as error:
        raise ValueError(f"{name}: holdout={share}: {error}") from error
    return images.select(rest), images.select(held)


def limited(name: str, images: S, train_samples: int | None, seed: int) -> tuple[S, tuple[str, ...]]:
    """The set itself, or a stratified, seeded choice of `train_samples` of its images, and what to say about it."""
    if train_samples is None or train_samples == len(images):
        return images, ()
    try:
        chosen = images.select(stratified(images.labels, train_samples, seed, keep_rest=False)[1])
    except ValueError as error:
        raise ValueError(f"{name}: train_samples={train_samples}: {error}") from error
    return chosen, (f"train_samples: {train_samples:,} of {len(images):,} training images, drawn with seed {seed}",)


def check_holdout(holdout: float, train_samples: int | None) -> None:
    """Refuse shares and counts that cannot be met, whatever the data.

    Raises:
        ValueError: If `holdout` is not between 0 and 1, or `train_samples` is not positive.
    """
    if not 0 < holdout < 1:
        raise ValueError(f"holdout: expected a share between 0 and 1, got {holdout}")
    if train_samples is not None and train_samples < 1:
        raise ValueError(f"train_samples: expected a positive number of images, got {train_samples}")
