"""What all methods share: an encoder, its optimization, and the steps of training and evaluation."""

import math
from collections.abc import Collection
from typing import Any, ClassVar

from lightning.pytorch import LightningModule
from lightning.pytorch.utilities import rank_zero_info
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor

from csl.checks import check_views
from csl.distributed import all_reduce, size, world
from csl.encoders import Encoder, Network, as_encoder, outermost
from csl.losses.exchange import named
from csl.methods.groups import Group, complete
from csl.methods.loaded import as_batch, places, unknown
from csl.methods.measuring import measuring, precision_of_features
from csl.methods.optimization import Optimization
from csl.methods.run import (
    Start,
    check_accumulation,
    check_callbacks,
    global_batch_size,
    run_seed,
    say_long_warmup,
    steps_per_epoch,
    total_steps,
    wants_scalars,
)
from csl.methods.stages import Stage
from csl.methods.step import Keep, Step, as_step, joined
from csl.methods.usual import Usual
from csl.modules import synchronize_batch_norm
from csl.randomness import seeded
from csl.types import Batch, Features, RawBatch, View

CHECKPOINT_KEY = "csl_method"
DEFAULT_OPTIMIZATION = Optimization()
ONE_VIEW = (
    "a loader of (images, labels) holds one view of each image; give ([view, view, ...], labels), or let "
    "csl.data.ImageDataModule(csl.data.AnyDataset(your_dataset)) draw the views"
)


class Method(LightningModule):
    """Base of all methods: a subclass says what its loss is, and may say what else it needs.

    Nothing more is needed than `training_loss`; all else here can be overridden. Random numbers in a step (dropout,
    a method's own) are drawn from the seed of `seed_everything`, epoch, batch and process, so that a resumed
    run draws what an uninterrupted one does.

    Args:
        encoder: The network to be trained and studied: an encoder of `csl.encoders`, or any `torch.nn.Module` that
            turns images into features, which becomes one (`csl.encoders.Backbone`).
        optimization: Optimizer and learning-rate schedule.

    Attributes:
        encoder: The encoder, of which `feature_dim` is the length of a feature vector.
        views: The groups of augmented views that a training batch holds of each image.
        heads: What can be measured, by name: first "encoder", then names of submodules. A submodule that is an encoder
            itself, such as a momentum encoder, is given the images; any other is given the encoder's features.
        trains: Whether there is anything to train; a method without is for `validate`, `test` and `predict`.
        synchronizes_batch_norm: Whether batch statistics are those of all processes, as one process would have them.
        accumulates: Whether the loss of a batch is the mean of losses of its parts, so that
            `accumulate_grad_batches` computes the same thing; where it is not, accumulation is refused.
        has_held_out_loss: Whether the loss means something on images that the method was not trained on.
        stages: Parts of the training, each with a learning-rate schedule of its own; one by default.
        usual: The encoder and the augmentation that `csl fit` takes where none are named.

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

    views: tuple[View, ...] = (View(2),)
    heads: ClassVar[tuple[str, ...]] = ("encoder",)
    trains: ClassVar[bool] = True
    synchronizes_batch_norm: ClassVar[bool] = True
    accumulates: ClassVar[bool] = True
    has_held_out_loss: bool = True
    stages: tuple[Stage, ...] = (Stage(),)
    usual: ClassVar[Usual] = Usual()

    def __init__(self, encoder: Network, optimization: Optimization = DEFAULT_OPTIMIZATION) -> None:
        super().__init__()
        self.encoder = as_encoder(encoder)
        self.optimization = optimization
        self._measured: Collection[str] = ()
        self._kept: list[Keep] = []
        self.start = Start()

    def training_loss(self, batch: Batch) -> Tensor | Step:
        """The loss of this process's part of a batch, whose mean over processes is minimized.

        It changes nothing: what is to be remembered of the batch goes into `Step.keep` and comes back in `after_step`;
        what is to be logged goes into `Step.scalars`. So the loss can be measured on held-out images, too.

        Args:
            batch: Views in [0, 1], as many and as large as `views` says.

        Returns:
            The scalar loss, or a `Step`. Numbers for the log belong into `Step(loss, scalars={"accuracy": ...})`: they
            become `train/accuracy`, the mean over all processes. `self.log` here would show the first process's part
            of the batch alone, unless `sync_dist=True` makes every step wait for the others.
        """
        raise NotImplementedError(f"{type(self).__name__} does not implement training_loss(batch)")

    def parameter_groups(self) -> list[Group]:
        """Parameters with a learning rate or a weight decay of their own; all others form the group "main"."""
        return []

    def after_backward(self) -> None:
        """Called once before every optimizer step, when the gradients of all its batches are there, unclipped."""

    def after_step(self, keep: Keep) -> None:
        """Called once after every optimizer step, before anything of it is saved; for momentum copies and queues.

        Args:
            keep: What `training_loss` kept of the step's batch; where gradients are accumulated, the rows of all
                batches of the step, joined.
        """

    def output_names(self) -> tuple[str, ...]:
        """What can be measured, by name: "encoder", the layers that it was told to show, and the heads.

        Raises:
            ValueError: If `heads` does not begin with "encoder", or names what is no submodule.
        """
        known = dict(self.named_modules())
        if self.heads[:1] != ("encoder",) or not set(self.heads) <= set(known):
            raise ValueError(
                f"heads: expected 'encoder' and then names of submodules of {type(self).__name__}, got {self.heads}"
            )
        return (self.heads[0], *self.encoder.layer_names, *self.heads[1:])

    def measure(self, names: Collection[str]) -> None:
        """Choose which outputs a validation step gives beside the encoder's."""
        self._measured = names

    def outputs(self, images: Tensor, names: Collection[str] = ("encoder",)) -> dict[str, Tensor]:
        """Vectors `[B, D]` for images `[B, C, H, W]` in [0, 1], by name; the encoder's always, others where named."""
        found = self.encoder.outputs(images)
        for name in self.heads[1:]:
            if name in names:
                part = self.get_submodule(name)
                found[name] = part(images) if isinstance(part, Encoder) else part(found["encoder"])
        return found

    def forward(self, images: Tensor) -> Tensor:
        """Encode images `[B, C, H, W]` in [0, 1] as features `[B, D]`."""
        return self.encoder(images)

    def setup(self, stage: str) -> None:
        """Let encoders know the source's window; check a fit's trainer, and synchronise batch norm of its processes.

        A window that an encoder has stays, and one in a checkpoint, which is loaded later, replaces this one. Data that
        have none let images pass as they are.
        """
        check_views(self.views)
        if (kept := precision_of_features(self.trainer.precision)) != "float32":
            rank_zero_info(
                f"precision {self.trainer.precision}: weights are kept in {kept}, and features measured in it"
            )
        self._take_window(settle=stage == "fit")
        if stage != "fit":
            return
        self.start = Start()  # until a checkpoint says otherwise
        check_callbacks(self.trainer)
        check_accumulation(self.trainer, type(self).__name__, self.accumulates)
        if self.trainer.world_size > 1 and self.synchronizes_batch_norm:
            synchronize_batch_norm(self)

    def on_train_start(self) -> None:
        """Forget what a fit kept that ended between a loss and its step."""
        self._kept.clear()

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """The loss of one batch, logged as `train/loss` beside the learning rate `train/lr`.

        Nothing here waits for the device but at log steps.

        Args:
            batch: A `csl.types.Batch`, or what another loader gives, see `csl.methods.loaded.as_batch`.
            batch_idx: Which batch of the epoch it is.

        Raises:
            ValueError: If it is none, or holds another number of views than the method wants.
        """
        batch = self.as_batch(batch)
        if len(batch.views) != (count := sum(group.count for group in self.views)):
            hint = f": {ONE_VIEW}" if len(batch.views) == 1 else ""
            raise ValueError(
                f"batch.views: expected {count} views for {type(self).__name__}, got {len(batch.views)}{hint}"
            )
        drawn = seeded(run_seed(), "step", self.current_epoch, batch_idx, self.global_rank)
        with drawn, named(getattr(self, "loss", None), type(self).__name__):
            step = as_step(self.training_loss(batch))
        self._kept.append(step.keep)
        self._log_step(step, len(batch.labels))
        return step.loss

    def validation_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> dict[str, Features]:
        """The batch's features `[B, D]`, encoded in float32, for each output that is measured."""
        batch = self.as_batch(batch, batch_idx, dataloader_idx)
        with measuring():
            outputs = self.outputs(batch.views[0], self._measured)
        return {name: Features(values.detach().float(), batch.labels, batch.index) for name, values in outputs.items()}

    def test_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> dict[str, Features]:
        """As in validation."""
        return self.validation_step(batch, batch_idx, dataloader_idx)

    def predict_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> Features:
        """The encoder's features `[B, D]`, encoded in float32."""
        batch = self.as_batch(batch, batch_idx, dataloader_idx)
        with measuring():
            return Features(self.encoder(batch.views[0]).detach().float(), batch.labels, batch.index)

    def as_batch(self, given: Any, batch_idx: int | None = None, dataloader_idx: int = 0) -> Batch:
        """What a loader gave as a `csl.types.Batch`, in the trainer's precision.

        Args:
            given: One already, or what `csl.methods.loaded.as_batch` understands.
            batch_idx: Which batch of its loader it is, for one that goes through its data set in order.
            dataloader_idx: Which loader that is.

        Raises:
            ValueError: If it is something else.
        """
        if isinstance(given, Batch):
            return given
        batch: Any = as_batch(given)
        if not isinstance(given, RawBatch):
            index = unknown(batch.labels, self.global_rank)
            if batch_idx is not None:
                index = places(self.trainer, batch_idx, dataloader_idx, len(index)).to(index.device)
            batch = batch._replace(index=index)
        return Batch(*self.trainer.precision_plugin.convert_input(batch))

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """The optimizer over all trainable parameters, and the schedule, stepped after every optimizer step."""
        steps = total_steps(self.trainer)
        epochs = self.optimization.warmup_epochs
        warmup = epochs * steps_per_epoch(self.trainer) if epochs else 0.0  # a stream's epoch has no end
        say_long_warmup(epochs, warmup, steps)
        # A fused step unscales float16 gradients itself, too late for clipping, which Lightning therefore refuses, and
        # refuses for bfloat16 too, whose gradients are not scaled.
        is_refused = self.trainer.precision in ("16-mixed", "bf16-mixed") and self.trainer.gradient_clip_val
        groups = complete(self.parameter_groups(), self)
        optimizer = self.optimization.build(groups, global_batch_size(self.trainer), not is_refused)
        scheduler = self.optimization.schedule(optimizer, math.ceil(min(warmup, steps)), steps, self.stages)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def on_before_optimizer_step(self, optimizer: Any) -> None:
        """Let the method see its gradients."""
        self.after_backward()

    def optimizer_step(self, epoch: int, batch_idx: int, optimizer: Any, optimizer_closure: Any = None) -> None:
        """Step, then `after_step`; here and not in a later hook, which checkpoints would be written before."""
        super().optimizer_step(epoch, batch_idx, optimizer, optimizer_closure)
        self.after_step(joined(self._kept))
        self._kept.clear()

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
        self.start = Start.of(checkpoint)

    def _take_window(self, settle: bool) -> None:
        """Let every encoder normalise by the source's statistics; copies of the encoder by what that normalises by."""
        window = getattr(getattr(self.trainer, "datamodule", None), "window", ([0.0], [1.0]))
        self.encoder.take_window(*window, settle=settle)
        for other in outermost(self):
            if other.in_channels == self.encoder.in_channels:
                other.take_window(self.encoder.mean.tolist(), self.encoder.std.tolist(), settle=settle)

    def _rates(self) -> dict[str, float]:
        """The learning rate, that of every group with a rule of its own, and a weight decay that is scheduled."""
        groups = {group["group"]: group for group in reversed(self.trainer.optimizers[0].param_groups)}
        main, *others = reversed(groups.values())
        rates: dict[str, float] = {"lr": main["lr"]}
        for group in others:
            if any(group[rule] != main[rule] for rule in ("rate", "constant")):
                rates[f"lr_{group['group']}"] = group["lr"]
        if self.optimization.final_weight_decay is not None:
            decays = [group["weight_decay"] for group in self.trainer.optimizers[0].param_groups if group["decays"]]
            rates["weight_decay"] = decays[0] if decays else 0.0
        return rates

    def _log_step(self, step: Step, num_images: int) -> None:
        """Log a step's numbers, means over processes, at log steps and where an epoch or the fit ends.

        Nothing is logged where no trainer is at work. Lightning's own reduction, its progress bar and its copy of a
        number to the device would each wait in every step.
        """
        if self._trainer is None or not wants_scalars(self.trainer):
            return
        for name, value in {"loss": step.loss, **step.scalars}.items():
            mean = all_reduce(value.detach(), world()) / size(world())
            self.log(f"train/{name}", mean, on_step=True, batch_size=num_images)
        for name, rate in self._rates().items():
            self.log(f"train/{name}", rate, on_step=True, batch_size=num_images)
