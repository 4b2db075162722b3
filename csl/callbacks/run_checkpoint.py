"""`last.ckpt`: where a run can be taken up again, kept current and saved once more when the run is interrupted."""

import os
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.utilities import rank_zero_info

from csl.callbacks.interruption import Interruption
from csl.distributed import any_process, world
from csl.io import flush_to_disk

LAST = Path("checkpoints") / "last.ckpt"
# A checkpoint whose step is not in the log yet.
NEXT = LAST.with_name(".next.ckpt")


class RunCheckpoint(Checkpoint):
    """Saves `checkpoints/last.ckpt` in the run's folder, at the end of an epoch and on Ctrl-C or SIGTERM.

    The first signal lets the step in progress finish, so that the checkpoint is exact, saves and ends the run; the
    second ends it at once. Several processes agree on the step at which they stop. A checkpoint appears under its name
    only when its step is in the log and both are on the disk: whatever kills the run, the log that is cut where the
    checkpoint stands has no gap. Lightning's `ModelCheckpoint` can stand beside it to keep the best or every n-th
    epoch.

    Args:
        every_n_epochs: Save at every n-th epoch, and at the last one, whatever ends the fit (epochs).

    Raises:
        ValueError: If `every_n_epochs` is not positive.

    Example:
        >>> RunCheckpoint(every_n_epochs=10).every_n_epochs
        10
    """

    def __init__(self, every_n_epochs: int = 1) -> None:
        if every_n_epochs < 1:
            raise ValueError(f"every_n_epochs: expected a positive number of epochs, got {every_n_epochs}")
        self.every_n_epochs = every_n_epochs
        self._interruption = Interruption()
        self._folder: Path | None = None
        self._is_saved = False
        self._farewell = ""

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Learn the run's folder; every process asks, since the answer comes from the first."""
        self._folder = Path(trainer.log_dir or trainer.default_root_dir)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take over the signals, after the trainer has noted whose they were and will be again."""
        self._is_saved, self._farewell = False, ""
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
        if any_process(self._interruption.asked, world()):
            self._save_to_stop(trainer)
        elif epoch % self.every_n_epochs == 0 or _ends_now(trainer):
            self._save(trainer)

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
        """Give the signals back, and drop a checkpoint whose step will not be logged any more."""
        self._interruption.release()
        if self._is_saved and self._folder is not None and trainer.is_global_zero:
            (self._folder / NEXT).unlink(missing_ok=True)

    def _is_asked_to_stop(self, trainer: Trainer) -> bool:
        if world() is None:
            return self._interruption.asked
        step = trainer.fit_loop.epoch_loop.total_batch_idx + 1
        return step % trainer.log_every_n_steps == 0 and any_process(self._interruption.asked, world())  # type: ignore[attr-defined]

    def _save(self, trainer: Trainer) -> None:
        """Write what there is to resume from, under another name; it may be a moment until its step is logged."""
        if self._folder is not None and not trainer.fast_dev_run:  # type: ignore[attr-defined]
            trainer.save_checkpoint(self._folder / NEXT, weights_only=False)
            self._is_saved = True

    def _save_to_stop(self, trainer: Trainer) -> None:
        self._save(trainer)
        step, folder = trainer.global_step, self._folder
        self._farewell = f"Interrupted after step {step}; to go on: csl fit --resume {folder}"

    def _publish(self, trainer: Trainer) -> None:
        """Give a saved checkpoint its name, now that its step is logged, and stop if that was the reason to save."""
        if self._is_saved and self._folder is not None:
            self._is_saved = False
            for logger in trainer.loggers:
                logger.save()
            if trainer.is_global_zero:
                for events in self._folder.glob("events.out.tfevents.*"):
                    flush_to_disk(events)
                os.replace(self._folder / NEXT, self._folder / LAST)
                flush_to_disk((self._folder / LAST).parent)
        if self._farewell:
            rank_zero_info(self._farewell)
            raise KeyboardInterrupt


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
