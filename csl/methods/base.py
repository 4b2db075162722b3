"""What all methods share: an encoder, its optimization, and the steps of training and evaluation."""

import math
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn

from csl.distributed import all_reduce, size, world
from csl.encoders import Encoder
from csl.methods.optimization import Optimization
from csl.methods.run import (
    accumulated_batches,
    global_batch_size,
    run_seed,
    steps_per_epoch,
    total_steps,
    wanted_outputs,
    wants_scalars,
)
from csl.modules import synchronize_batch_norm
from csl.randomness import seeded
from csl.types import Batch, Features

CHECKPOINT_KEY = "csl_method"
DEFAULT_OPTIMIZATION = Optimization()


class Method(LightningModule):
    """Base of all methods: a subclass says what its loss is, and may say what else is worth measuring.

    Nothing more is needed than `training_loss`; all else here can be overridden. Random numbers in a step (dropout,
    a method's own) are drawn from the seed of `seed_everything`, epoch, batch and process, so that a resumed
    run draws what an uninterrupted one does.

    Args:
        encoder: The network to be trained and studied.
        optimization: Optimizer and learning-rate schedule.

    Attributes:
        num_views: How many augmented views of an image a training batch holds.
        synchronizes_batch_norm: Whether batch statistics are those of all processes, as one process would have them.
        accumulates: Whether the loss of a batch is the mean of losses of its parts, so that
            `accumulate_grad_batches` computes the same thing; where it is not, accumulation is refused.

    Raises:
        ValueError: At the start of a fit that accumulates gradients although the method cannot, or whose length or
            batch size is unknown; and for a checkpoint of another method.

    Example:
        >>> import torch
        >>> from csl.encoders import ConvNet
        >>> class Invariance(Method):
        ...     def training_loss(self, batch):
        ...         first, second = (self.encoder(view) for view in batch.views)
        ...         return (first - second).square().mean()
        >>> method = Invariance(ConvNet(width=2))
        >>> views = (torch.zeros(4, 3, 8, 8), torch.zeros(4, 3, 8, 8))
        >>> method.training_loss(Batch(views, torch.zeros(4).long(), torch.arange(4))).item()
        0.0
    """

    num_views: ClassVar[int] = 2
    synchronizes_batch_norm: ClassVar[bool] = True
    accumulates: ClassVar[bool] = True

    def __init__(self, encoder: Encoder, optimization: Optimization = DEFAULT_OPTIMIZATION) -> None:
        super().__init__()
        self.encoder = encoder
        self.optimization = optimization

    def training_loss(self, batch: Batch) -> Tensor:
        """The scalar loss of this process's part of a batch; the mean over processes is what is minimized."""
        raise NotImplementedError(f"{type(self).__name__} does not implement training_loss(batch)")

    def outputs(self, images: Tensor) -> dict[str, Tensor]:
        """What is measured, by name: vectors `[B, D]` for images `[B, C, H, W]`, "encoder" first."""
        return {"encoder": self.encoder(images)}

    def costly_outputs(self) -> dict[str, Callable[[Tensor], Tensor]]:
        """Further outputs that take a pass of their own, computed from images only where a callback names them."""
        return {}

    def after_step(self) -> None:
        """Called once after every optimizer step, before anything of it is saved; for momentum copies and queues."""

    def forward(self, images: Tensor) -> Tensor:
        """Encode images `[B, C, H, W]` as features `[B, D]`."""
        return self.encoder(images)

    def setup(self, stage: str) -> None:
        """Check the trainer before a fit, and synchronise batch norm where there are several processes."""
        if self.trainer.strategy.root_device.type != "cpu" or _suits_channels_last(self):
            # Convolutions are a third to a half faster with channels last, on CPUs and on GPUs alike.
            self.to(memory_format=torch.channels_last)
        if stage != "fit":
            return
        if self.trainer.accumulate_grad_batches < 1:
            raise ValueError(
                f"trainer.accumulate_grad_batches: expected at least 1, got {self.trainer.accumulate_grad_batches}"
            )
        if (accumulated := accumulated_batches(self.trainer)) > 1 and not self.accumulates:
            raise ValueError(
                f"trainer.accumulate_grad_batches: expected 1 for {type(self).__name__}, whose loss compares the "
                "images of a batch with each other, so that the parts of a batch give another loss; "
                f"got {accumulated}. Use a smaller data.batch_size, or more processes"
            )
        if self.trainer.world_size > 1 and self.synchronizes_batch_norm:
            synchronize_batch_norm(self)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of one batch, logged as `train/loss` beside the learning rate `train/lr`.

        Nothing here waits for the device but at log steps, see `log_in_step`.
        """
        if len(batch.views) != self.num_views:
            raise ValueError(
                f"batch.views: expected {self.num_views} views for {type(self).__name__}, got {len(batch.views)}"
            )
        with seeded(run_seed(), "step", self.current_epoch, batch_idx, self.global_rank):
            loss = self.training_loss(batch)
        self.log_in_step("train/loss", loss, batch)
        self.log_in_step("train/lr", self.trainer.optimizers[0].param_groups[0]["lr"], batch)
        return loss

    def log_in_step(self, name: str, value: Tensor | float, batch: Batch) -> None:
        """Log a training scalar, the mean over processes, at log steps and where an epoch or the fit ends.

        Nothing is logged where no trainer is at work. Lightning's own reduction, its progress bar and its copy of a
        number to the device would each wait in every step.
        """
        if self._trainer is None or not wants_scalars(self.trainer):
            return
        if isinstance(value, Tensor):
            value = all_reduce(value.detach(), world()) / size(world())
        self.log(name, value, on_step=True, batch_size=len(batch.labels))

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        """Let the progress bar, of whatever class, show the loss of the last log step."""
        trainer = self.trainer
        if trainer.progress_bar_callback is None or not trainer.is_global_zero or not wants_scalars(trainer):
            return
        if (loss := trainer.callback_metrics.get("train/loss")) is not None:
            trainer.progress_bar_metrics["train/loss"] = float(loss)

    def validation_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> dict[str, Features]:
        """The batch's features `[B, D]` in float32, for each of the method's outputs."""
        images = batch.views[0]
        outputs, wanted = self.outputs(images), wanted_outputs(self._trainer)
        outputs |= {name: encode(images) for name, encode in self.costly_outputs().items() if name in wanted}
        return {name: Features(values.detach().float(), batch.labels, batch.index) for name, values in outputs.items()}

    def test_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> dict[str, Features]:
        """As in validation."""
        return self.validation_step(batch, batch_idx, dataloader_idx)

    def predict_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> Features:
        """The encoder's features `[B, D]` in float32."""
        return Features(self.encoder(batch.views[0]).detach().float(), batch.labels, batch.index)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """The optimizer over all trainable parameters, and the schedule, stepped after every optimizer step."""
        steps = total_steps(self.trainer)
        warmup = self.optimization.warmup_epochs * steps_per_epoch(self.trainer)
        # A fused step unscales float16 gradients itself, too late for clipping, which Lightning therefore refuses, and
        # refuses for bfloat16 too, whose gradients are not scaled.
        is_refused = self.trainer.precision in ("16-mixed", "bf16-mixed") and self.trainer.gradient_clip_val
        optimizer = self.optimization.build(self.parameters(), global_batch_size(self.trainer), not is_refused)
        scheduler = self.optimization.schedule(optimizer, math.ceil(min(warmup, steps)), steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def optimizer_step(self, epoch: int, batch_idx: int, optimizer: Any, optimizer_closure: Any = None) -> None:
        """Step, then `after_step`; here and not in a later hook, which checkpoints would be written before."""
        super().optimizer_step(epoch, batch_idx, optimizer, optimizer_closure)
        self.after_step()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Write down whose weights these are."""
        checkpoint[CHECKPOINT_KEY] = f"{type(self).__module__}.{type(self).__qualname__}"

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse the weights of another method."""
        saved = str(checkpoint.get(CHECKPOINT_KEY, ""))
        own = type(self).__qualname__
        # Only the class's name counts: the same file is another module when it is run as a script.
        if saved and saved.rpartition(".")[2] != own.rpartition(".")[2]:
            raise ValueError(f"checkpoint: expected one of {own}, got one of {saved}")


def _suits_channels_last(module: nn.Module) -> bool:
    """Whether torch's convolutions can be trusted with it on a CPU.

    With 2 to 4 channels their backward pass writes beyond its memory (torch 2.15), which ends the process or worse;
    all numbers of channels that fill whole vectors are safe, and the only ones that gain.
    """
    return all(conv.out_channels % 8 == 0 for conv in module.modules() if isinstance(conv, nn.Conv2d))
