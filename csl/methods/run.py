"""What a method asks of the run it is part of."""

import math
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import BatchSizeFinder, GradientAccumulationScheduler, LearningRateFinder
from lightning.pytorch.utilities import rank_zero_info
from torch.utils.data import DistributedSampler


def run_seed() -> int:
    """The seed that `seed_everything` was given, 0 where it was not called.

    Lightning keeps it in the environment, so that processes it starts know it, too.
    """
    return int(os.environ.get("PL_GLOBAL_SEED", 0))


class Start(NamedTuple):
    """What is done when a fit begins: nothing, or what the checkpoint says that it goes on from.

    Attributes:
        steps: Optimizer steps.
        epochs: Whole epochs.
        batches: Batches of the epoch under way.
    """

    steps: int = 0
    epochs: int = 0
    batches: int = 0

    @classmethod
    def of(cls, checkpoint: Mapping[str, Any]) -> "Start":
        """Read it from a checkpoint; nothing is done in one that holds weights alone."""
        if "loops" not in checkpoint:
            return cls()
        loops = checkpoint["loops"]["fit_loop"]
        epoch, batches = loops["epoch_progress"]["current"], loops["epoch_loop.batch_progress"]
        steps, done = int(checkpoint["global_step"]), batches["current"]["processed"]
        if epoch["started"] <= epoch["processed"]:  # between two epochs
            return cls(steps, epoch["processed"])
        if batches["is_last_batch"] and done == batches["current"]["ready"] > 0:
            return cls(steps, epoch["processed"] + 1)
        return cls(steps, epoch["processed"], done)


def total_steps(trainer: Trainer) -> int:
    """The number of optimizer steps of the whole run: those that were done before this fit, and its own.

    Raises:
        ValueError: If the trainer has no end.
    """
    start: Start = getattr(trainer.lightning_module, "start", Start())
    limits = [trainer.max_steps] if trainer.max_steps != -1 else []
    if trainer.max_epochs not in (None, -1) and math.isfinite(per_epoch := steps_per_epoch(trainer)):
        epochs = max(1, int(trainer.max_epochs or 0)) - start.epochs
        limits.append(start.steps + int(epochs * per_epoch) - start.batches // trainer.accumulate_grad_batches)
    if not limits or min(limits) < 1:
        raise ValueError("trainer.max_epochs: expected an end, for the schedules to reach; got none (or max_steps)")
    return min(limits)


def steps_per_epoch(trainer: Trainer) -> float:
    """The number of optimizer steps of one epoch; infinite for a stream without length."""
    _make_train_loader(trainer)
    batches = trainer.num_training_batches
    return math.ceil(batches / trainer.accumulate_grad_batches) if math.isfinite(batches) else math.inf


def say_long_warmup(epochs: float, warmup: float, steps: int) -> None:
    """Say so where a warm-up of so many epochs, or steps, is as long as the training."""
    if warmup >= steps:
        rank_zero_info(
            f"--model.optimization.warmup_epochs: the warm-up of {epochs:g} epochs ({warmup:,.0f} steps) is as long as "
            f"the training ({steps:,} steps) or longer, so that the learning rate will only rise; train longer, or set "
            "fewer"
        )


def say_frozen(trainer: Trainer, option: str, part: str, steps: float) -> None:
    """Say so where a part of a network that is frozen at first is frozen for the whole training.

    Args:
        trainer: The one that trains.
        option: The method's option that says for how long.
        part: What is frozen, such as "the prototypes".
        steps: For how many steps it is.
    """
    if steps >= (total := total_steps(trainer)):
        rank_zero_info(
            f"--model.{option}: {part} stay as they were made for the whole training of {total:,} steps; train longer, "
            "or set it lower"
        )


def _make_train_loader(trainer: Trainer) -> None:
    """Have the trainer make its loader now, where it has none yet: it will not make another."""
    if trainer.train_dataloader is None:
        trainer.fit_loop.setup_data()


def wants_scalars(trainer: Trainer) -> bool:
    """Whether the scalars of the step under way are read: by the log, or because an epoch or the fit ends.

    Every process has the same answer, since processes that read add up what they have.
    """
    every: int = trainer.log_every_n_steps  # type: ignore[attr-defined]
    step = trainer.fit_loop.epoch_loop._batches_that_stepped + 1  # what the trainer logs by
    is_last = trainer.is_last_batch or 0 <= trainer.max_steps <= trainer.global_step + 1
    return is_last or is_every(every, step)


def is_every(every: int, step: int) -> bool:
    """Whether a step is one of every n-th; none is for n = 0, with which Lightning logs no steps.

    Example:
        >>> is_every(5, 10), is_every(5, 11), is_every(0, 10)
        (True, False, False)
    """
    return bool(every and step % every == 0)


def check_callbacks(trainer: Trainer) -> None:
    """Refuse callbacks that look for a rate or a batch size by trial: the schedule and the scaled rate follow both.

    Raises:
        ValueError: If the trainer has a `LearningRateFinder` or a `BatchSizeFinder`.
    """
    advice = {
        LearningRateFinder: "which overwrites the schedule that a run is given; try several model.optimization.lr",
        BatchSizeFinder: "which changes the batch size when rate and schedule are scaled by it already; set "
        "data.batch_size: csl estimates before training whether a step fits the memory",
    }
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        for kind, reason in advice.items():
            if isinstance(callback, kind):
                raise ValueError(f"callbacks: expected no {kind.__name__}, {reason}; got one")


def check_accumulation(trainer: Trainer, method: str, accumulates: bool) -> None:
    """Refuse to accumulate gradients where the batches of a step would not give the loss of them all, or by a schedule.

    Raises:
        ValueError: If a step has several batches, by the trainer or by a schedule, and the method does not accumulate,
            or if a schedule changes how many they are.
    """
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    schedules = [c.scheduling.values() for c in callbacks if isinstance(c, GradientAccumulationScheduler)]
    if trainer.accumulate_grad_batches < 1:
        raise ValueError(f"trainer.accumulate_grad_batches: expected at least 1, got {trainer.accumulate_grad_batches}")
    if (most := max(trainer.accumulate_grad_batches, *map(max, schedules), 0)) > 1 and not accumulates:
        raise ValueError(
            f"trainer.accumulate_grad_batches: expected 1 for {method}, whose loss compares the images of a batch with "
            f"each other, so that the parts of a batch give another loss; got {most}. Use a smaller data.batch_size, "
            "or more processes"
        )
    if any(most > 1 for counts in schedules for most in counts):
        raise ValueError(
            "callbacks: expected no GradientAccumulationScheduler: the learning rate is scaled by the images behind a "
            "step, and the schedule has as many steps as the training, which both need one number of batches a step; "
            "got one that accumulates. Use trainer.accumulate_grad_batches"
        )


def rows_of_processes(trainer: Trainer, count: int) -> list[int] | None:
    """How many images each process has in the step under way if this one has `count`; None where they may differ.

    A `DistributedSampler`, which our data module has and which Lightning gives to other loaders, deals out equally.
    """
    sampler = getattr(trainer.train_dataloader, "sampler", None)
    return [count] * trainer.world_size if isinstance(sampler, DistributedSampler) else None


def num_training_images(trainer: Trainer) -> int | None:
    """How many images there are to train on; None where the data do not tell."""
    found: int | None = getattr(getattr(trainer, "datamodule", None), "num_train", None)
    return found


def batch_size_of(loader: Any) -> int | None:
    """The size of a loader's batches on one process; None where it does not say."""
    found: int | None = getattr(loader, "batch_size", None)
    return found or getattr(getattr(loader, "batch_sampler", None), "batch_size", None)


def global_batch_size(trainer: Trainer) -> int:
    """The images behind one optimizer step, over all processes and accumulated batches.

    The training loader's `batch_size` times the number of processes; or else the data module's `batch_size`, which is
    then taken for the global one.

    Raises:
        ValueError: If neither says how large a batch is.
    """
    _make_train_loader(trainer)
    per_process = batch_size_of(trainer.train_dataloader)
    size = per_process and per_process * trainer.world_size
    if size is None:
        size = getattr(getattr(trainer, "datamodule", None), "batch_size", None)
    if not isinstance(size, int):
        raise ValueError(
            "data: expected a data module or a training loader with an int `batch_size`, which the learning rate "
            f"is scaled by, got {size!r}"
        )
    return size * trainer.accumulate_grad_batches
