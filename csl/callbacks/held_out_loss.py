"""The method's own loss on images that it is not trained on."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor

from csl.callbacks.feature_callback import FeatureCallback
from csl.callbacks.scalars import held_out_name, log_scalars
from csl.data import ImageDataModule
from csl.data.module import Part
from csl.distributed import all_reduce, size, world
from csl.methods import Method
from csl.methods.step import as_step
from csl.types import Split


class HeldOutLoss(FeatureCallback):
    """Logs `val/loss`, the training loss of held-out images.

    The images are augmented as for training, in the same way at every pass, and go through the method in evaluation
    mode: no weight, queue or statistic moves. A loss that falls in training and rises here is overfitting.

    Args:
        every_n: Measure at every n-th validation pass (passes).

    Raises:
        ValueError: Before anything is trained, if the method has no such loss, or the data are not of a
            `csl.data.ImageDataModule`.

    Example:
        >>> HeldOutLoss(every_n=5).every_n
        5
    """

    def __init__(self, every_n: int = 1) -> None:
        super().__init__(every_n)

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Refuse a method or data that it cannot be measured with."""
        super().setup(trainer, pl_module, stage)
        if not isinstance(pl_module, Method) or not pl_module.has_held_out_loss:
            raise ValueError(
                f"callbacks: HeldOutLoss expected a method whose loss can be measured on held-out images, "
                f"got {type(pl_module).__name__}"
            )
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        if not isinstance(data, ImageDataModule):
            raise ValueError(f"callbacks: HeldOutLoss expected a csl.data.ImageDataModule, got {type(data).__name__}")
        if stage == "fit":
            count, batch = data.augmented_sizes()
            if left := count % batch:
                rank_zero_info(f"val/loss: {left:,} of {count:,} held-out images do not fill a batch and are left out")
            if batch < data.batch_size:
                rank_zero_info(
                    f"val/loss: in batches of {batch}, for there are no more images, and in training of "
                    f"{data.batch_size}; a loss that compares the images of a batch depends on that"
                )

    def on_features(self, trainer: Trainer, module: LightningModule, features: Mapping[str, Split]) -> None:
        """Measure, on every process its share of each batch."""
        part: Part = "test" if trainer.testing else "val"
        log_scalars(module, {f"{held_out_name(trainer)}/loss": mean_loss(trainer, module, part)}, progress_bar=())


def mean_loss(trainer: Trainer, module: LightningModule, part: Part, limit: int | None = None) -> Tensor:
    """The mean training loss over batches of a set, in views that are the same at every call.

    Args:
        trainer: A trainer that evaluates.
        module: The method, in evaluation mode.
        part: Which set.
        limit: At most so many batches; all if not given.
    """
    assert isinstance(module, Method)
    data: ImageDataModule = trainer.datamodule  # type: ignore[attr-defined]
    losses = []
    for batch in islice(data.augmented_batches(part), limit):
        with torch.no_grad(), trainer.precision_plugin.val_step_context():
            losses.append(as_step(module.training_loss(batch)).loss)
    return all_reduce(torch.stack(losses).mean(), world()) / size(world())
