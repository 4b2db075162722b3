"""The images that a word on the line stands for: those of a run, or of a source."""

import inspect
from pathlib import Path
from typing import Any

import csl.data
from csl.data import ImageDataModule, ImageSource
from csl.data.augmentation import Augmentation
from csl.data.recipes import recipe_for
from csl.data.views import augmentations_of
from csl.runs import CONFIG, Run
from csl.study.rebuilt import rebuilt


def images_of(where: str, root: Path | None = None) -> tuple[ImageDataModule, tuple[Augmentation, Augmentation]]:
    """Images, and the augmentations that draw the first two views of each for training.

    Args:
        where: A run's folder, or the name of a source, such as "CIFAR10".
        root: The folder or file that the source reads; its own default if None.

    Raises:
        ValueError: If it is neither, or the source needs a root.

    Example:
        >>> data, (first, second) = images_of("Digits")
        >>> data.num_classes, first is not second
        (10, True)
    """
    if (Path(where) / CONFIG).is_file():
        method, data = rebuilt(Run(Path(where)))
        if data.transforms:
            raise ValueError(f"{where}: expected views of csl.data.Augmentation, got those of others' transforms")
        own = [one for one in data.augmentation if isinstance(one, Augmentation)]
        drawn = augmentations_of(method.views, own, recipe_for(data.image_size, data.source.mirror))
    else:
        data = ImageDataModule(_source(where, root))
        drawn = data.augmentations
    second = drawn[1] if len(drawn) > 1 and _size(drawn[1]) == _size(drawn[0]) else drawn[0]
    return data, (drawn[0], second)


def _size(augmentation: Augmentation) -> int:
    return augmentation.recipe(1).image_size


def _needs_only_a_place(kind: type) -> bool:
    """Whether a source can be made from no more than where its files are."""
    asked = inspect.signature(kind).parameters.values()
    return {one.name for one in asked if one.default is inspect.Parameter.empty} <= {"root", "files"}


def _source(name: str, root: Path | None) -> ImageSource:
    known: dict[str, Any] = {
        one.__name__: one
        for one in vars(csl.data).values()
        if inspect.isclass(one) and issubclass(one, ImageSource) and one is not ImageSource and _needs_only_a_place(one)
    }
    if name not in known:
        raise ValueError(f"where: expected a run's folder or one of {', '.join(sorted(known))}, got {name!r}")
    takes = inspect.signature(known[name]).parameters
    place = next((option for option in ("root", "files") if option in takes), None)
    if place and root is None and takes[place].default is inspect.Parameter.empty:
        raise ValueError(f"root: expected the folder or file that {name} reads, got none")
    made: ImageSource = known[name](**({place: str(root)} if place and root else {}))
    return made
