"""The one data module: any image source, for any method."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Literal, TypeAlias

import torch
from lightning.fabric.utilities import move_data_to_device
from lightning.pytorch import LightningDataModule
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor
from torch.utils.data import DistributedSampler

from csl.data.augmentation import Augmentation, to_unit
from csl.data.checks import check_batch_size, check_evaluation_sets, check_labels, check_loading
from csl.data.color import with_channels
from csl.data.geometry import resample
from csl.data.images import EncodedImages, ImageSet
from csl.data.loader import ImageLoader, image_loader
from csl.data.memory import ImageStore, stored_size
from csl.data.preparation import prepared
from csl.data.recipes import recipe_for
from csl.data.record import DataRecord, printable
from csl.data.sampler import EvaluationSampler, Position, TrainSampler, batch_under_way, training_position
from csl.data.source import ImageSource, ImageSplits
from csl.data.views import augmentations_of
from csl.randomness import seeded
from csl.types import Batch, Preparation, RawBatch, View

_LARGEST_DEFAULT_SIZE = 224
_DEFAULT_VIEWS = (View(2),)
_HALF = ("16", "bf16")
Part: TypeAlias = Literal["train", "val", "test"]


class ImageDataModule(LightningDataModule):
    """Images from a source as batches of views: augmented for training, plain and each exactly once for evaluation.

    Loaders give uint8 images; they become float views in [0, 1] on the device. How many views there are, and of which
    size, is said by the method's `views`; without a method there are two full views. The plain view of evaluation is
    the central square, resized where the image has another size; where the method trains nothing, cut and resized as
    the encoder's `preparation` says.

    Args:
        source: Where the images come from.
        batch_size: Images in a step, of all processes together.
        augmentation: One for every view, or a list with one for each group of the method's views (or for each view);
            what they leave open, and all if not given, follows the recipe for the source.
        image_size: Height and width of the views in pixels; if not given, those that the method's encoder was made for,
            or else the source's own, at most 224.
        num_workers: Processes that decode a set too large for memory; "auto" takes this process's share of the cores.
        memory_budget: What images may take in memory, decoded or, if they are too many for that, encoded, in GB a
            process.
        predict_split: The set that `predict` runs on.
        seed: Seeds the order of the training images and their augmentation.

    Attributes:
        predicted: Ranges of positions that `predict` is to run on alone; all of the set if None.

    Raises:
        ValueError: If a size or a number is too small, and in `setup`, before any training, if a label is not a class,
            the batch is larger than the training set or not divisible by the number of processes, an evaluation set is
            smaller than that number, or an image that is loaded into memory cannot be decoded.

    Example:
        >>> from csl.data import Digits
        >>> data = ImageDataModule(Digits(), batch_size=128)
        >>> data.setup()
        >>> [view.shape for view in data.augment(next(iter(data.train_dataloader())).images)]
        [torch.Size([128, 1, 8, 8]), torch.Size([128, 1, 8, 8])]
    """

    def __init__(
        self,
        source: ImageSource,
        batch_size: int = 256,
        augmentation: Augmentation | list[Augmentation] | None = None,
        image_size: int | None = None,
        num_workers: int | Literal["auto"] = "auto",
        memory_budget: float = 4.0,
        predict_split: Part = "val",
        seed: int = 0,
    ) -> None:
        super().__init__()
        check_loading(image_size, num_workers, memory_budget)
        self.source, self.batch_size, self.seed = source, batch_size, seed
        self.num_workers, self.memory_budget, self.predict_split = num_workers, memory_budget, predict_split
        self.predicted: Sequence[range] | None = None
        self._given_size = image_size
        self._stored: tuple[tuple[int, Preparation | None], ImageStore] | None = None
        self.augmentation = augmentation if isinstance(augmentation, list) else [augmentation or Augmentation()]

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
    def augmentations(self) -> list[Augmentation]:
        """The augmentation of each view that the method wants, with all strengths resolved.

        Raises:
            ValueError: If several were given, but not one for each group of views or for each view.
        """
        views: tuple[View, ...] = getattr(self._module, "views", _DEFAULT_VIEWS)
        return augmentations_of(views, self.augmentation, recipe_for(self.image_size, self.source.mirror))

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
        """Some images of a set as they are before they become views, uint8 `[B, C, H, W]`.

        Args:
            part: One of "train", "reference", "val" and "test".
            positions: Where they are in the set `[B]`.
        """
        images: ImageSet = getattr(self.splits, part)
        if isinstance(images, EncodedImages):
            images = images.resized(self._stored_size, self._preparation)
        return images.images(positions)

    def prepare_data(self) -> None:
        """Let the source fetch what it lacks, once a machine."""
        self.source.prepare()

    def setup(self, stage: str | None = None) -> None:
        """Say what was read, check the sets, and bring what fits into memory."""
        if stage == "fit" and self._rank == 0:
            rank_zero_info("\n".join(self.record.lines()))
        if stage in (None, "fit"):
            check_batch_size(self.batch_size, self.num_train, self._world_size)
            self.augmentations  # noqa: B018 - resolved now, so that a wrong number of them ends the run before it starts
        check_evaluation_sets(self.splits, self._world_size)
        for name in _sets_of_stage(stage, self.predict_split):
            self._store[name]  # decoded now, so that a damaged image ends the run before it starts
        if stage in (None, "fit"):
            self._announce_leftover()

    def train_dataloader(self) -> ImageLoader:
        """Shuffled batches; the last incomplete global batch of an epoch is dropped."""
        position = self._position if self.trainer is not None else None
        sampler = TrainSampler(
            self.num_train,
            self.batch_size,
            self.seed,
            self._rank,
            self._world_size,
            position,
            groups=self._store.groups("train"),
        )
        return self._loader("train", sampler, self.batch_size, training=True)

    def val_dataloader(self) -> list[ImageLoader]:
        """The reference set and the held-out set."""
        return [self._evaluation_loader("reference"), self._evaluation_loader("val")]

    def test_dataloader(self) -> list[ImageLoader]:
        """The reference set and the test set.

        Raises:
            ValueError: If the source has no third set.
        """
        return [self._evaluation_loader("reference"), self._evaluation_loader("test")]

    def predict_dataloader(self) -> ImageLoader:
        """The set named by `predict_split`, each image once and in order; of it the `predicted` ones, if stated."""
        return self._evaluation_loader(self.predict_split, self.predicted)

    def augmented_batches(self, part: Part = "val", draw: int = 0) -> Iterator[Batch]:
        """Images of a set in views drawn as for training, the same ones at every call.

        Batches are as large as in training, or as the set where that is smaller; images that do not fill one are left
        out. A method's loss can be measured on them, see `csl.callbacks.HeldOutLoss`.

        Args:
            part: Which set: "train", "val" or "test".
            draw: Another number draws other views of the same images, in the same batches.
        """
        assert self.trainer is not None
        count, size = self.augmented_sizes(part)
        # Position 0 of epoch 0: the same images form a batch at every call.
        sampler = TrainSampler(count, size, self.seed, self._rank, self._world_size, lambda: (0, 0))
        for number, raw in enumerate(self._loader(part, sampler, size, training=True)):
            raw = RawBatch(*move_data_to_device(raw, self.trainer.strategy.root_device))
            with seeded(self.seed, "held-out views", number, *([draw] if draw else [])):
                yield self._batch(raw, self.augment(raw.images))

    def augmented_sizes(self, part: Part = "val") -> tuple[int, int]:
        """How many images a set has, and how many a batch of `augmented_batches`."""
        count = len(self.splits.sets()[part])
        return count, min(self.batch_size, count - count % self._world_size)

    def on_after_batch_transfer(self, batch: RawBatch, dataloader_idx: int) -> Batch:
        """Turn uint8 images into float views, on their device."""
        if self.trainer is None or not self.trainer.training:
            return self._batch(batch, (self.plain(batch.images),))
        with seeded(self.seed, "augmentation", *batch_under_way(self.trainer)):
            return self._batch(batch, self.augment(batch.images))

    def augment(self, images: Tensor) -> tuple[Tensor, ...]:
        """Random views of uint8 images `[B, C, H, W]`: float in [0, 1], a full one `[B, C, image_size, image_size]`.

        Drawn from torch's global random state, for the global batch: on several processes, give each process's equal
        share under the same state.

        Raises:
            ValueError: If several augmentations were given, but not one for each group of views or for each view.
        """
        dtype = self._working_type(images.device)
        return tuple(draw(images, self._rank, self._world_size, dtype) for draw in self.augmentations)

    def plain(self, images: Tensor) -> Tensor:
        """The clean view of uint8 images `[B, C, H, W]`: float in [0, 1], `[B, C, image_size, image_size]`."""
        height, width = images.shape[-2:]
        unit, way = to_unit(images), self._preparation
        if way is not None:  # image files have been decoded in this way already
            return unit if isinstance(self.splits.val, EncodedImages) else prepared(unit, self.image_size, way)
        if height == width == self.image_size:
            return unit
        side = min(height, width)
        cut = side * min(1.0, self.image_size / stored_size(side, self.image_size))
        box = torch.tensor([[(height - cut) / 2, (width - cut) / 2, cut, cut]]).expand(len(images), 4)
        return resample(unit, box, self.image_size)

    def _working_type(self, device: torch.device) -> torch.dtype:
        """What to augment in: half precision where the method computes in it, too, and the device gains by that."""
        if device.type != "cuda" or self.trainer is None or not str(self.trainer.precision).startswith(_HALF):
            return torch.float32
        return torch.float16

    def _batch(self, raw: RawBatch, views: tuple[Tensor, ...]) -> Batch:
        """The views in the trainer's precision, into which it converted the batch while images were integers."""
        channels = getattr(self._encoder, "in_channels", self.num_channels)
        batch: Any = Batch(tuple(with_channels(view, channels) for view in views), raw.labels, raw.index)
        return batch if self.trainer is None else Batch(*self.trainer.precision_plugin.convert_input(batch))

    @property
    def _module(self) -> Any:
        return None if self.trainer is None else self.trainer.lightning_module

    @property
    def _encoder(self) -> Any:
        return getattr(self._module, "encoder", None)

    @property
    def _preparation(self) -> Preparation | None:
        """How the encoder's own evaluation prepared images, where it is measured as it is."""
        return None if getattr(self._module, "trains", True) else getattr(self._encoder, "preparation", None)

    @property
    def _stored_size(self) -> int:
        """Height and width that image files are decoded to, in pixels."""
        return self.image_size if self._preparation else stored_size(self.source.native_size, self.image_size)

    @property
    def _rank(self) -> int:
        return 0 if self.trainer is None else self.trainer.global_rank

    @property
    def _world_size(self) -> int:
        return 1 if self.trainer is None else self.trainer.world_size

    def _position(self) -> Position:
        assert self.trainer is not None
        return training_position(self.trainer)

    @property
    def _store(self) -> ImageStore:
        """The sets, decoded to the size that the views need; anew where another encoder needs them otherwise."""
        form = self._stored_size, self._preparation
        if self._stored is None or self._stored[0] != form:
            name, speak = type(self.source).__name__, self._rank == 0
            self._stored = form, ImageStore(self.splits, form[0], self.memory_budget, name, speak, form[1])
        return self._stored[1]

    def _evaluation_loader(self, part: str, wanted: Sequence[range] | None = None) -> ImageLoader:
        images: ImageSet | None = getattr(self.splits, part)
        if images is None:
            raise ValueError(
                f"{type(self.source).__name__} has no test set beside its held-out one; "
                "to measure on the held-out set, run validate"
            )
        return self._loader(part, EvaluationSampler(len(images), self._rank, self._world_size, wanted), self.batch_size)

    def _loader(
        self, part: str, sampler: DistributedSampler[Any], batch_size: int, training: bool = False
    ) -> ImageLoader:
        images = self._store[part]
        assert images is not None  # a missing test set was refused
        trainer = self.trainer
        return image_loader(
            images,
            sampler,
            max(1, batch_size // self._world_size),
            training=training,
            num_workers=self.num_workers,
            local_world_size=1 if trainer is None else trainer.num_devices,
            pin_memory=trainer is not None and trainer.strategy.root_device.type == "cuda",
        )

    def _announce_leftover(self) -> None:
        if leftover := self.num_train % self.batch_size:
            rank_zero_info(
                f"each epoch leaves out {leftover} of {self.num_train:,} training images: "
                f"they do not fill a batch of {self.batch_size}"
            )


def _sets_of_stage(stage: str | None, predict_split: str) -> tuple[str, ...]:
    """The sets that a stage needs."""
    return {
        "fit": ("train", "reference", "val"),
        "validate": ("reference", "val"),
        "test": ("reference", "test"),
        "predict": (predict_split,),
    }.get(stage or "", ("train", "reference", "val", "test"))
