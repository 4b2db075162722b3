"""What is known of a data module's images: their facts, their sets, and the views that are wanted of them."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor

from csl.data.augmentation import Augmentation
from csl.data.checks import check_labels
from csl.data.images import EncodedImages, ImageSet
from csl.data.memory import stored_size
from csl.data.recipes import recipe_for
from csl.data.record import DataRecord, printable
from csl.data.source import ImageSource, ImageSplits
from csl.data.transforms import Transform
from csl.data.views import augmentations_of, one_a_view
from csl.types import View

_LARGEST_DEFAULT_SIZE = 224
_DEFAULT_VIEWS = (View(2),)
_HALF = ("16", "bf16")


class ImageFacts(LightningDataModule):
    """The part of `ImageDataModule` that answers questions.

    Attributes:
        source: Where the images come from.
        augmentation: What draws the views: augmentations of csl, or transforms of others.
    """

    source: ImageSource
    augmentation: Sequence[Augmentation | Transform]
    _given_size: int | None

    @property
    def num_classes(self) -> int:
        """How many classes the source has."""
        return self.source.num_classes

    @property
    def class_names(self) -> tuple[str, ...]:
        """Name of each class, in the order of the labels."""
        return self.source.class_names

    @property
    def num_channels(self) -> int:
        """3 for RGB, 1 for grey."""
        return self.source.num_channels

    @property
    def image_size(self) -> int:
        """Height and width of full views, in pixels."""
        made_for: int | None = getattr(self._encoder, "native_size", None)
        return self._given_size or made_for or min(self.source.native_size, _LARGEST_DEFAULT_SIZE)

    @property
    def window(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation of each channel of the source's images in [0, 1], which encoders normalise by."""
        return self.source.mean, self.source.std

    @property
    def num_train(self) -> int:
        """How many training images there are."""
        return len(self.splits.train)

    @property
    def train_labels(self) -> Tensor:
        """The label of every training image, by its index; -1 where it has none."""
        return self.splits.train.labels

    @property
    def views(self) -> tuple[View, ...]:
        """The groups of views that the method wants; two full ones without a method."""
        views: tuple[View, ...] = getattr(self._module, "views", _DEFAULT_VIEWS)
        return views

    @property
    def augmentations(self) -> list[Augmentation]:
        """The augmentation of each view that the method wants, with all strengths resolved; none beside `transforms`.

        Raises:
            ValueError: If several were given, but not one for each group of views or for each view.
        """
        own = [one for one in self.augmentation if isinstance(one, Augmentation)]
        if not own:
            return []
        return augmentations_of(self.views, own, recipe_for(self.image_size, self.source.mirror))

    @property
    def transforms(self) -> list[Transform]:
        """Somebody else's transform for each view that the method wants; none where csl's own draw the views.

        Raises:
            ValueError: As `augmentations`.
        """
        others = [one for one in self.augmentation if not isinstance(one, Augmentation)]
        return one_a_view(self.views, others) if others else []

    @cached_property
    def splits(self) -> ImageSplits:
        """The source's sets, their labels checked; images may still be in their files."""
        splits = self.source.load()
        check_labels(self.source, splits)
        return splits

    @cached_property
    def record(self) -> DataRecord:
        """What was read; the first lines of every fit say it."""
        return self.source.record(self.splits)

    def file_names(self, part: str) -> list[str] | None:
        """What tells each image of a set from the others, such as its path below the folder; None if they have none.

        Args:
            part: One of "train", "reference", "val" and "test".
        """
        images = getattr(self.splits, part)
        return list(map(printable, images.keys())) if isinstance(images, EncodedImages) else None

    def images(self, part: str, positions: Tensor) -> Tensor:
        """Some images of a set as they are before they become views, uint8 `[B, C, H, W]`; central squares of files.

        Args:
            part: One of "train", "reference", "val" and "test".
            positions: Where they are in the set `[B]`.
        """
        images: ImageSet = getattr(self.splits, part)
        if isinstance(images, EncodedImages):
            images = images.resized(stored_size(self.source.native_size, self.image_size))
        return images.images(positions)

    @property
    def _module(self) -> Any:
        return None if self.trainer is None else self.trainer.lightning_module

    @property
    def _encoder(self) -> Any:
        return getattr(self._module, "encoder", None)

    @property
    def _rank(self) -> int:
        return 0 if self.trainer is None else self.trainer.global_rank

    @property
    def _world_size(self) -> int:
        return 1 if self.trainer is None else self.trainer.world_size

    def _working_type(self, device: torch.device) -> torch.dtype:
        """What to augment in: half precision where the method computes in it, too, and the device gains by that."""
        if device.type != "cuda" or self.trainer is None or not str(self.trainer.precision).startswith(_HALF):
            return torch.float32
        return torch.float16
