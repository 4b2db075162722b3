"""What must hold before training starts; each error names the thing, what was expected, and what came."""

from collections.abc import Sequence
from typing import Any

import torch

from csl.data.augmentation import Augmentation
from csl.data.images import ImageSet
from csl.data.source import ImageSource, ImageSplits, has_labels


def check_labels(source: ImageSource, splits: ImageSplits) -> None:
    """Every label must be a class; training images may have none, and evaluation sets may have none at all.

    Raises:
        ValueError: If a set is empty, a label is no class, some images of an evaluation set have labels and others have
            not, only one of the reference set and the held-out set has labels, or an evaluation set has a class that
            the reference set has not.
    """
    name = type(source).__name__
    for part, images in ({"train": splits.train} | _evaluation_sets(splits)).items():
        _check_range(f"{name}: {part}", images, source)
        if part != "train":
            _check_whole(f"{name}: {part}", images)
    if has_labels(splits.reference) != has_labels(splits.val):
        with_labels, without = ("reference", "val") if has_labels(splits.reference) else ("val", "reference")
        raise ValueError(
            f"{name}: expected labels in both evaluation sets or in none, got {with_labels} with labels "
            f"and {without} without"
        )
    known = torch.unique(splits.reference.labels)
    for part, images in _evaluation_sets(splits).items():
        present = torch.unique(images.labels)
        unknown = present[~torch.isin(present, known) & (present >= 0)].tolist()
        if unknown:
            names = ", ".join(source.class_names[label] for label in unknown[:5])
            raise ValueError(f"{name}: {part} has images of classes that the reference set has not: {names}")


def check_batch_size(batch_size: int, num_train: int, world_size: int) -> None:
    """A global batch must fill, and divide among the processes.

    Raises:
        ValueError: If it does not.
    """
    if not 1 <= batch_size <= num_train:
        fits = _fitting(num_train, world_size)
        hint = f"; --data.batch_size {fits} makes several steps an epoch" if batch_size > num_train and fits else ""
        raise ValueError(
            f"batch_size: expected 1 to {num_train} (the size of the training set), got {batch_size}{hint}"
        )
    if batch_size % world_size:
        raise ValueError(
            f"batch_size: counts the images of all processes together, so expected a multiple of {world_size} "
            f"processes, got {batch_size}"
        )


def _fitting(num_train: int, world_size: int) -> int:
    """The largest power of two, times the processes, that fits four times into the training set; 0 if none does.

    Example:
        >>> _fitting(100, 1), _fitting(100, 3), _fitting(6, 2)
        (16, 24, 0)
    """
    share = num_train // (4 * world_size)
    return world_size << (share.bit_length() - 1) if share * world_size > 1 else 0


def check_loading(image_size: int | None, num_workers: int | str, memory_budget: float) -> None:
    """Sizes and numbers that could mean nothing, or something else than was asked for.

    Raises:
        ValueError: If one is too small.
    """
    if image_size is not None and image_size < 1:
        raise ValueError(f"image_size: expected a positive number of pixels, got {image_size}")
    if num_workers != "auto" and (not isinstance(num_workers, int) or num_workers < 0):
        raise ValueError(f"num_workers: expected 'auto' or a number of processes from 0, got {num_workers!r}")
    if not memory_budget >= 0:
        raise ValueError(f"memory_budget: expected a number of GB from 0, got {memory_budget}")


def check_augmentation(given: Sequence[Any]) -> None:
    """Views are drawn by csl's augmentations, or all of them by transforms of others.

    Raises:
        ValueError: If there is none, one cannot be called, or there are some of both kinds.
    """
    if not given:
        raise ValueError("augmentation: expected at least one, got an empty list")
    if odd := [one for one in given if not callable(one)]:
        raise ValueError(f"augmentation: expected what can be called with an image, got {type(odd[0]).__name__}")
    kinds = {isinstance(one, Augmentation): type(one).__name__ for one in given}
    if len(kinds) > 1:
        raise ValueError(
            f"augmentation: expected Augmentation for all views or transforms of others for all, got {kinds[True]} "
            f"beside {kinds[False]}"
        )


def check_evaluation_sets(splits: ImageSplits, world_size: int) -> None:
    """Every process needs an image of every evaluation set.

    Raises:
        ValueError: If a set is smaller than the number of processes.
    """
    for part, images in _evaluation_sets(splits).items():
        if len(images) < world_size:
            raise ValueError(
                f"{part}: expected at least one image for each of {world_size} processes, got {len(images)}"
            )


def _evaluation_sets(splits: ImageSplits) -> dict[str, ImageSet]:
    sets = {"reference": splits.reference, "val": splits.val}
    return sets if splits.test is None else sets | {"test": splits.test}


def _check_range(name: str, images: ImageSet, source: ImageSource) -> None:
    if len(images) == 0:
        raise ValueError(f"{name}: expected images, found none")
    wrong = ((images.labels < -1) | (images.labels >= source.num_classes)).nonzero().flatten()
    if len(wrong):
        classes = f"from 0 to {source.num_classes - 1}" if source.num_classes else "-1 alone, as there are no classes"
        raise ValueError(
            f"{name}: expected labels {classes}, got {int(images.labels[wrong[0]])} for image "
            f"{int(wrong[0])} ({len(wrong)} such images)"
        )


def _check_whole(name: str, images: ImageSet) -> None:
    missing = (images.labels < 0).nonzero().flatten()
    if 0 < len(missing) < len(images):
        raise ValueError(
            f"{name}: expected a label for every image or for none, got none for {len(missing)} of {len(images)} "
            f"images, such as image {int(missing[0])}"
        )
