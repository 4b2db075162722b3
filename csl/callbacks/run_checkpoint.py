"""A run's checkpoints: `last.ckpt`, from which it can be taken up again, and the weights of some epochs on request."""

import os
from pathlib import Path
from typing import Any

from lightning.fabric.plugins import TorchCheckpointIO
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.utilities import rank_zero_info

from csl.callbacks.checkpoint_io import AtomicCheckpointIO
from csl.callbacks.interruption import Interruption
from csl.callbacks.run_folder import run_folder
from csl.checks import check_positive
from csl.distributed import any_process, world
from csl.io import flush_to_disk
from csl.runs import EVENTS, LAST, epoch_file

_ASK_EVERY = 50  # steps


class RunCheckpoint(Checkpoint):
    """Saves `checkpoints/last.ckpt` in the run's folder, at the end of an epoch and on Ctrl-C or SIGTERM.

    The first signal lets the step in progress finish, so that the checkpoint is exact, saves and ends the run; the
    second ends it at once. Several processes agree on the step at which they stop. A checkpoint appears under its name
    only when its step is in the log and both are on the disk: whatever kills the run, the log that is cut where the
    checkpoint stands has no gap. Files are whole or absent, and are read without running anything in them: a trainer
    with no `CheckpointIO` of its own gets an `AtomicCheckpointIO`.

    The weights of every n-th epoch can be kept beside it, as `checkpoints/epoch_0010.ckpt`, small because the
    optimizer's state is not in them: for `csl validate` and `csl predict`, and to compare epochs. A run goes on from
    `last.ckpt` only. Lightning's `ModelCheckpoint` can stand beside it to keep the best epoch.

    Args:
        every_n_epochs: Save `last.ckpt` at every n-th epoch, at those that are kept, and at the last one, whatever ends
            the fit (epochs).
        keep_every_n_epochs: Keep the weights of every n-th epoch, and of none if not given (epochs).

    Raises:
        ValueError: If a number of epochs is not positive.

    Example:
        >>> RunCheckpoint(keep_every_n_epochs=10).keep_every_n_epochs
        10
    """

    def __init__(self, every_n_epochs: int = 1, keep_every_n_epochs: int | None = None) -> None:
        check_positive(every_n_epochs=every_n_epochs)
        if keep_every_n_epochs is not None:
            check_positive(keep_every_n_epochs=keep_every_n_epochs)
        self.every_n_epochs, self.keep_every_n_epochs = every_n_epochs, keep_every_n_epochs
        self._interruption = Interruption()
        self._folder: Path | None = None
        self._saved: list[Path] = []  # files that wait, under another name, until their step is logged
        self._farewell = ""

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Learn the run's folder; every process asks, since the answer comes from the first."""
        self._folder = run_folder(trainer)
        if type(trainer.strategy.checkpoint_io) is TorchCheckpointIO:
            trainer.strategy.checkpoint_io = AtomicCheckpointIO()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take over the signals, after the trainer has noted whose they were and will be again."""
        self._saved, self._farewell = [], ""
        self._interruption.watch()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save if somebody asked to stop and nothing of this step is left to do but to log it."""
        if _is_complete_after_batch(trainer) and self._is_asked_to_stop(trainer):
            self._save_to_stop(trainer)

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Stop; only now, so that the scalars of the step before are in the log."""
        self._publish(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the epoch."""
        epoch = trainer.current_epoch + 1
        is_kept = bool(self.keep_every_n_epochs and epoch % self.keep_every_n_epochs == 0)
        if any_process(self._interruption.asked, world()):
            self._save_to_stop(trainer)
        elif is_kept or epoch % self.every_n_epochs == 0 or _ends_now(trainer):
            self._save(trainer)
        if is_kept:  # after the whole checkpoint, for which other callbacks have looked at the weights
            self._save(trainer, epoch_file(epoch), weights_only=True)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop between two epochs."""
        self._publish(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Let the last epoch's checkpoint appear, and give the signals back: there is nothing left to stop.

        Later hooks come after the trainer has put back the signals that it took over itself.
        """
        self._farewell = ""
        self._interruption.release()
        self._publish(trainer)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Give the signals back, and drop checkpoints whose step will not be logged any more."""
        self._interruption.release()
        for file in self._saved if trainer.is_global_zero else ():
            waiting(file).unlink(missing_ok=True)

    def _is_asked_to_stop(self, trainer: Trainer) -> bool:
        if world() is None:
            return self._interruption.asked
        step = trainer.fit_loop.epoch_loop.total_batch_idx + 1
        # Where nothing is logged at steps, the processes still ask each other now and then.
        every: int = trainer.log_every_n_steps or _ASK_EVERY  # type: ignore[attr-defined]
        return step % every == 0 and any_process(self._interruption.asked, world())

    def _save(self, trainer: Trainer, name: Path = LAST, weights_only: bool = False) -> None:
        """Write a checkpoint under another name; it may be a moment until its step is logged."""
        if self._folder is not None and not trainer.fast_dev_run:  # type: ignore[attr-defined]
            file = self._folder / name
            trainer.save_checkpoint(waiting(file), weights_only=weights_only)
            self._saved.append(file)

    def _save_to_stop(self, trainer: Trainer) -> None:
        self._save(trainer)
        step, folder = trainer.global_step, self._folder
        self._farewell = f"Interrupted after step {step}; to go on: csl fit --resume {folder}"

    def _publish(self, trainer: Trainer) -> None:
        """Give saved checkpoints their names, now that their step is logged, and stop if that was the reason to save.

        `last.ckpt` is renamed last: a run that is killed before goes on from an earlier one and keeps the epoch again.
        """
        if self._saved and self._folder is not None:
            saved, self._saved = self._saved, []
            for logger in trainer.loggers:
                logger.save()
            if trainer.is_global_zero:
                for events in self._folder.glob(EVENTS):
                    flush_to_disk(events)
                for file in reversed(saved):
                    os.replace(waiting(file), file)
                    flush_to_disk(file.parent)
        if self._farewell:
            rank_zero_info(self._farewell)
            raise KeyboardInterrupt


def waiting(file: Path) -> Path:
    """The name of a checkpoint whose step is not in the log yet; no glob for checkpoints finds it.

    Example:
        >>> waiting(Path("checkpoints/last.ckpt")).name
        '.last.ckpt.next'
    """
    return file.with_name(f".{file.name}.next")


def _ends_now(trainer: Trainer) -> bool:
    """Whether this is the last epoch: of those asked for, or because of a limit of steps, time or patience."""
    limit = trainer.max_steps != -1 and trainer.global_step >= trainer.max_steps
    return trainer.should_stop or limit or trainer.current_epoch + 1 == trainer.max_epochs


def _is_complete_after_batch(trainer: Trainer) -> bool:
    """Whether a checkpoint written at the end of this batch holds all there is to resume from.

    Gradients that wait for further batches are not in a checkpoint, nor what a validation pass is about to count.
    """
    fit, epoch = trainer.fit_loop, trainer.fit_loop.epoch_loop
    validates = fit._data_fetcher is None or epoch._should_check_val_fx(fit._data_fetcher)
    return not (epoch.batch_progress.is_last_batch or validates or fit._should_accumulate())
