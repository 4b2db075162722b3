"""The one data module: any image source, for any method."""

from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

import torch
from lightning.fabric.utilities import move_data_to_device
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor
from torch.utils.data import DistributedSampler

from csl.data.augmentation import Augmentation
from csl.data.checks import check_augmentation, check_batch_size, check_evaluation_sets, check_loading
from csl.data.color import with_channels
from csl.data.facts import ImageFacts
from csl.data.images import ImageSet
from csl.data.loader import ImageLoader, image_loader
from csl.data.memory import ImageStore, decoded_size
from csl.data.plain import plain_view
from csl.data.sampler import EvaluationSampler, Position, TrainSampler, batch_under_way, training_position
from csl.data.source import ImageSource
from csl.data.transforms import Transform, TransformedImages
from csl.randomness import derive_seed, seeded
from csl.types import Batch, RawBatch

Part: TypeAlias = Literal["train", "val", "test"]


class ImageDataModule(ImageFacts):
    """Images from a source as batches of views: augmented for training, plain and each exactly once for evaluation.

    Loaders give uint8 images; they become float views in [0, 1] on the device. How many views there are, and of which
    size, is said by the method's `views`; without a method there are two full views. The plain view of evaluation is
    the central square, resized where the image has another size.

    Images that are files are decoded whole, with shorter sides of up to twice the views' size, so that crops come from
    all of a photograph, and those of a quarter of its area or more lose no detail.

    Args:
        source: Where the images come from.
        batch_size: Images in a step, of all processes together.
        augmentation: One for every view, or a list with one for each group of the method's views (or for each view);
            what they leave open, and all if not given, follows the recipe for the source. Or transforms of others, such
            as torchvision's, which are given PIL images and return images in [0, 1]; they work image by image in the
            processes that load, which is several times slower.
        image_size: Height and width of the views in pixels; if not given, those that the method's encoder was made for,
            or else the source's own, at most 224.
        num_workers: Processes that decode a set too large for memory; "auto" takes this process's share of the cores.
        memory_budget: What images may take in memory, decoded or, if they are too many for that, encoded, in GB a
            process. A photograph of 500 × 375 pixels takes 0.6 MB for views of 224 pixels, and any at most 1.2 MB; what
            is not held is decoded anew in every epoch, a few milliseconds each.
        predict_split: The set that `predict` runs on.
        seed: Seeds the order of the training images and their augmentation.

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
        augmentation: Augmentation | Transform | list[Augmentation] | list[Transform] | None = None,
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
        self._given_size = image_size
        self._stored: tuple[int, ImageStore] | None = None
        self.augmentation = list(augmentation) if isinstance(augmentation, list) else [augmentation or Augmentation()]
        check_augmentation(self.augmentation)

    def prepare_data(self) -> None:
        """Let the source fetch what it lacks, once a machine."""
        self.source.prepare()

    def setup(self, stage: str | None = None) -> None:
        """Say what was read, check the sets, and bring what fits into memory."""
        if stage == "fit" and self._rank == 0:
            rank_zero_info("\n".join(self.record.lines()))
        if stage in (None, "fit"):
            check_batch_size(self.batch_size, self.num_train, self._world_size)
            self.augmentations, self.transforms  # noqa: B018 - a wrong number of them ends the run before it starts
        check_evaluation_sets(self.splits, self._world_size)
        for name in _sets_of_stage(stage, self.predict_split):
            if not (name == "train" and self.transforms):
                self._store[name]  # decoded now, so that a damaged image ends the run before it starts
        if stage in (None, "fit"):
            self._announce()

    def train_dataloader(self) -> ImageLoader[Any]:
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
            tells_epoch=bool(self.transforms),
        )
        return self._training_loader("train", sampler, self.batch_size, self.seed)

    def val_dataloader(self) -> list[ImageLoader[Any]]:
        """The reference set and the held-out set."""
        return [self._evaluation_loader("reference"), self._evaluation_loader("val")]

    def test_dataloader(self) -> list[ImageLoader[Any]]:
        """The reference set and the test set.

        Raises:
            ValueError: If the source has no third set.
        """
        return [self._evaluation_loader("reference"), self._evaluation_loader("test")]

    def predict_dataloader(self) -> ImageLoader[Any]:
        """The set named by `predict_split`, each image once and in order."""
        return self._evaluation_loader(self.predict_split)

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
        loader = self._training_loader(part, sampler, size, derive_seed(self.seed, "held-out views", draw))
        for number, raw in enumerate(loader):
            raw = self.transfer_batch_to_device(raw, self.trainer.strategy.root_device, 0)
            with seeded(self.seed, "held-out views", number, *([draw] if draw else [])):
                yield self._batch(raw, self._views_of(raw))

    def augmented_sizes(self, part: Part = "val") -> tuple[int, int]:
        """How many images a set has, and how many a batch of `augmented_batches`."""
        count = len(self.splits.sets()[part])
        return count, min(self.batch_size, count - count % self._world_size)

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Move a batch, but for the sizes of its images, which random boxes are drawn by on the CPU."""
        moved = move_data_to_device(batch, device)
        return moved._replace(sizes=batch.sizes) if isinstance(batch, RawBatch) else moved

    def on_after_batch_transfer(self, batch: RawBatch | Batch, dataloader_idx: int) -> Batch:
        """Turn uint8 images into float views, on their device."""
        if self.trainer is None or not self.trainer.training:
            assert isinstance(batch, RawBatch)
            return self._batch(batch, (self.plain(batch.images, batch.sizes),))
        with seeded(self.seed, "augmentation", *batch_under_way(self.trainer)):
            return self._batch(batch, self._views_of(batch))

    def augment(self, images: Tensor, sizes: Tensor | None = None) -> tuple[Tensor, ...]:
        """Random views of uint8 images `[B, C, H, W]`: float in [0, 1], a full one `[B, C, image_size, image_size]`.

        Drawn from torch's global random state, for the global batch: on several processes, give each process's equal
        share under the same state.

        Args:
            images: The images.
            sizes: Height and width of each `[B, 2]`, in the upper left of its place; None where all fill it.

        Raises:
            ValueError: If several augmentations were given, but not one for each group of views or for each view.
        """
        dtype = self._working_type(images.device)
        return tuple(draw(images, self._rank, self._world_size, dtype, sizes) for draw in self.augmentations)

    def plain(self, images: Tensor, sizes: Tensor | None = None) -> Tensor:
        """The clean view of uint8 images `[B, C, H, W]`: float in [0, 1], `[B, C, image_size, image_size]`."""
        return plain_view(images, self.image_size, sizes)

    def _views_of(self, batch: RawBatch | Batch) -> tuple[Tensor, ...]:
        """Random views of the images, which those who load have drawn where they are others' transforms."""
        return batch.views if isinstance(batch, Batch) else self.augment(batch.images, batch.sizes)

    def _batch(self, raw: RawBatch | Batch, views: tuple[Tensor, ...]) -> Batch:
        """The views in the trainer's precision, into which it converted the batch while images were integers."""
        channels = getattr(self._encoder, "in_channels", self.num_channels)
        batch: Any = Batch(tuple(with_channels(view, channels) for view in views), raw.labels, raw.index)
        return batch if self.trainer is None else Batch(*self.trainer.precision_plugin.convert_input(batch))

    def _position(self) -> Position:
        assert self.trainer is not None
        return training_position(self.trainer)

    @property
    def _store(self) -> ImageStore:
        """The sets, decoded to the size that the views need; anew where another encoder needs another one."""
        size = decoded_size(self.image_size)
        if self._stored is None or self._stored[0] != size:
            name = type(self.source).__name__
            self._stored = size, ImageStore(self.splits, size, self.memory_budget, name, speak=self._rank == 0)
        return self._stored[1]

    def _evaluation_loader(self, part: str) -> ImageLoader[Any]:
        images: ImageSet | None = getattr(self.splits, part)
        if images is None:
            raise ValueError(
                f"{type(self.source).__name__} has no test set beside its held-out one; "
                "to measure on the held-out set, run validate"
            )
        sampler = EvaluationSampler(len(images), self._rank, self._world_size)
        return self._loader(self._held(part), sampler, self.batch_size)

    def _training_loader(
        self, part: str, sampler: DistributedSampler[Any], batch_size: int, seed: int
    ) -> ImageLoader[Any]:
        """Whole batches of images, or of views where others' transforms draw them."""
        if not self.transforms:
            return self._loader(self._held(part), sampler, batch_size, training=True)
        images = TransformedImages(getattr(self.splits, part), self.transforms, seed)
        return self._loader(images, sampler, batch_size, training=True)

    def _held(self, part: str) -> ImageSet:
        images = self._store[part]
        assert images is not None  # a missing test set was refused
        return images

    def _loader(
        self,
        images: ImageSet | TransformedImages,
        sampler: DistributedSampler[Any],
        batch_size: int,
        training: bool = False,
    ) -> ImageLoader[Any]:
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

    def _announce(self) -> None:
        if leftover := self.num_train % self.batch_size:
            rank_zero_info(
                f"each epoch leaves out {leftover} of {self.num_train:,} training images: "
                f"they do not fill a batch of {self.batch_size}"
            )
        if self.transforms:
            rank_zero_info(
                "augmentation: transforms that are not csl's draw the views image by image, in the processes that load "
                "(num_workers), which is several times slower than csl.data.Augmentation"
            )


def _sets_of_stage(stage: str | None, predict_split: str) -> tuple[str, ...]:
    """The sets that a stage needs."""
    return {
        "fit": ("train", "reference", "val"),
        "validate": ("reference", "val"),
        "test": ("reference", "test"),
        "predict": (predict_split,),
    }.get(stage or "", ("train", "reference", "val", "test"))
