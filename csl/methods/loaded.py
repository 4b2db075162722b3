"""From what a loader gives to what a method sees: loaders of one's own need not know csl's records."""

from typing import Any

import torch
from lightning.pytorch import Trainer
from torch import Tensor

from csl.methods.run import batch_size_of
from csl.types import Batch, RawBatch

_FORMS = (
    "expected a csl.types.Batch, (images, labels) or ([view, view, ...], labels) with images [B, C, H, W] and labels "
    "[B]"
)


def as_batch(given: Any) -> Batch:
    """A batch as it is, or made of what other loaders give.

    Understood are `(images, labels)` and `(views, labels)`, where `images` is `[B, C, H, W]`, float or uint8, and
    `views` a list or tuple of such; what comes after the labels, such as file names, is left out.

    Args:
        given: What the loader gave.

    Returns:
        The batch; its `index` is below 0 where the loader does not tell it, see `unknown`.

    Raises:
        ValueError: If it is something else.

    Example:
        >>> batch = as_batch((torch.zeros(4, 3, 8, 8), torch.arange(4)))
        >>> len(batch.views), batch.index.tolist()
        (1, [-1, -2, -3, -4])
    """
    if isinstance(given, Batch):
        return given
    if not isinstance(given, list | tuple) or len(given) < 2:
        raise ValueError(f"batch: {_FORMS}, got {_shown(given)}")
    images, labels = given[:2]
    views = tuple(images) if isinstance(images, list | tuple) else (images,)
    if not views or not all(map(_is_images, views)):
        raise ValueError(f"batch: {_FORMS}, got {_shown(given)}")
    count = len(views[0])
    if not isinstance(labels, Tensor) or labels.shape != (count,) or labels.is_floating_point():
        raise ValueError(
            f"labels: expected class indices, one integer for each of {count} images, got {_shown(labels)}"
        )
    index = given.index if isinstance(given, RawBatch) else unknown(labels)
    return Batch(tuple(view if view.is_floating_point() else view / 255 for view in views), labels.long(), index)


def unknown(labels: Tensor, rank: int = 0) -> Tensor:
    """Numbers `[B]` of labelled images whose positions nobody knows: below 0, another one for each image of a batch.

    What is random for an image, such as its mask, depends on its number.

    Example:
        >>> unknown(torch.tensor([5, 5])), unknown(torch.tensor([5, 5]), rank=1)
        (tensor([-1, -2]), tensor([-3, -4]))
    """
    return -1 - rank * len(labels) - torch.arange(len(labels), device=labels.device)


def places(trainer: Trainer, batch_idx: int, dataloader_idx: int, count: int) -> Tensor:
    """Where in its data set each image of an evaluation batch is `[B]`, for a loader that goes through it in order.

    On several processes, Lightning deals the images out in turns, and the first ones again at the end.

    Args:
        trainer: A trainer that evaluates.
        batch_idx: Which batch of its loader it is.
        dataloader_idx: Which loader.
        count: How many images are in it.
    """
    found: Any = trainer.val_dataloaders
    if trainer.testing or trainer.predicting:
        found = trainer.test_dataloaders if trainer.testing else trainer.predict_dataloaders
    loader = found[dataloader_idx] if isinstance(found, list | tuple) else found
    first = batch_idx * (batch_size_of(loader) or count)
    dealt = trainer.global_rank + trainer.world_size * (first + torch.arange(count))
    try:
        return dealt % len(loader.dataset)
    except (AttributeError, TypeError):  # a stream without a length
        return dealt


def _is_images(view: Any) -> bool:
    return isinstance(view, Tensor) and view.ndim == 4 and (view.is_floating_point() or view.dtype == torch.uint8)


def _shown(value: Any) -> str:
    """A value's type, and what it is made of, in few words."""
    if isinstance(value, Tensor):
        return f"a tensor of {str(value.dtype).removeprefix('torch.')} {list(value.shape)}"
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} of {len(value)}: {', '.join(map(_shown, value[:3]))}"
    return type(value).__name__
