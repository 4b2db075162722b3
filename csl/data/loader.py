"""From sets of images to loaders: what fits is decoded into memory at once, the rest is decoded by workers."""

import warnings
from typing import Any, Literal, TypeVar

import torch
from lightning.fabric.utilities.warnings import PossibleUserWarning
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from csl.data.decoded import available_cores
from csl.data.images import ImageSet

T = TypeVar("T")


class ImageLoader(DataLoader[T]):
    """A loader whose place in the epoch is the trainer's progress, so that it has nothing of its own to store."""

    def state_dict(self) -> dict[str, Any]:
        """Nothing: the sampler reads its position from the trainer's progress, which checkpoints hold."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing to load, see `state_dict`."""


def image_loader(
    images: Dataset[T],
    sampler: DistributedSampler[Any],
    batch_size: int,
    *,
    training: bool = False,
    num_workers: int | Literal["auto"] = "auto",
    local_world_size: int = 1,
    pin_memory: bool = False,
) -> ImageLoader[T]:
    """A loader of whole batches.

    Args:
        images: The set, whose `__getitems__` gives a batch.
        sampler: This process's positions, in order.
        batch_size: Images a batch, on this process.
        training: Whether an incomplete last batch is left out.
        num_workers: Processes that decode; a set in memory needs none and gets none.
        local_world_size: Processes that share this machine's cores.
        pin_memory: Whether batches are put where a CUDA device can fetch them.
    """
    workers = _num_workers(images, num_workers, local_world_size)
    return ImageLoader(
        images,
        batch_size=batch_size,
        sampler=sampler,
        drop_last=training,
        num_workers=workers,
        collate_fn=_whole_batch,
        pin_memory=pin_memory,
        persistent_workers=workers > 0,
        # A loader draws a seed for its workers whenever it starts; from the global generator, looking would change
        # what comes after.
        generator=torch.Generator(),
    )


def _num_workers(images: Dataset[Any], asked: int | Literal["auto"], local_world_size: int) -> int:
    if isinstance(images, ImageSet) and images.in_memory:
        # Lightning advises more workers wherever there are none; here they could only copy what is in memory already.
        warnings.filterwarnings("ignore", message=".*does not have many workers", category=PossibleUserWarning)
        return 0
    return max(1, available_cores() // local_world_size) if asked == "auto" else asked


def _whole_batch(batch: Any) -> Any:
    """The set returns whole batches already; a lambda would not reach a spawned worker."""
    return batch
