"""`last.ckpt`: where a run can be taken up again, kept current and saved once more when the run is interrupted."""

from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.utilities import rank_zero_info

from csl.callbacks.interruption import Interruption
from csl.distributed import any_process, world

LAST = Path("checkpoints") / "last.ckpt"


class RunCheckpoint(Checkpoint):
    """Saves `checkpoints/last.ckpt` in the run's folder, at the end of an epoch and on Ctrl-C.

    The first Ctrl-C (or SIGINT) lets the step in progress finish, so that the checkpoint is exact, saves and ends the
    run; the second ends it at once. Several processes agree on the step at which they stop. Lightning's
    `ModelCheckpoint` can stand beside it to keep the best or every n-th epoch.

    Args:
        every_n_epochs: Save at every n-th epoch, and at the last one (epochs).

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
        self._path: Path | None = None
        self._farewell = ""

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Learn the run's folder; every process asks, since the answer comes from the first."""
        self._path = Path(trainer.log_dir or trainer.default_root_dir) / LAST

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take over Ctrl-C, after the trainer has noted whose it was and will be again."""
        self._farewell = ""
        self._interruption.watch()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save if somebody asked to stop and nothing of this step is left to do but to log it."""
        if _is_complete_after_batch(trainer) and self._is_asked_to_stop(trainer):
            self._save_to_stop(trainer)

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Stop; only now, so that the scalars of the step before are in the log."""
        self._stop_if_saved()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the epoch."""
        epoch = trainer.current_epoch + 1
        if any_process(self._interruption.asked, world()):
            self._save_to_stop(trainer)
        elif epoch % self.every_n_epochs == 0 or epoch == trainer.max_epochs:
            self._save(trainer)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop between two epochs; after the last one there is nothing left to stop."""
        self._stop_if_saved()

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Give Ctrl-C back."""
        self._interruption.release()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Give Ctrl-C back."""
        self._interruption.release()

    def _is_asked_to_stop(self, trainer: Trainer) -> bool:
        if world() is None:
            return self._interruption.asked
        step = trainer.fit_loop.epoch_loop.total_batch_idx + 1
        return step % trainer.log_every_n_steps == 0 and any_process(self._interruption.asked, world())  # type: ignore[attr-defined]

    def _save(self, trainer: Trainer) -> None:
        if self._path is not None and not trainer.fast_dev_run:  # type: ignore[attr-defined]
            trainer.save_checkpoint(self._path, weights_only=False)

    def _save_to_stop(self, trainer: Trainer) -> None:
        self._save(trainer)
        folder = self._path and self._path.parent.parent
        self._farewell = f"Interrupted after step {trainer.global_step}; to go on: csl fit --resume {folder}"

    def _stop_if_saved(self) -> None:
        if self._farewell:
            rank_zero_info(self._farewell)
            raise KeyboardInterrupt


def _is_complete_after_batch(trainer: Trainer) -> bool:
    """Whether a checkpoint written at the end of this batch holds all there is to resume from.

    Gradients that wait for further batches are not in a checkpoint, nor what a validation pass is about to count.
    """
    fit, epoch = trainer.fit_loop, trainer.fit_loop.epoch_loop
    validates = fit._data_fetcher is None or epoch._should_check_val_fx(fit._data_fetcher)
    return not (epoch.batch_progress.is_last_batch or validates or fit._should_accumulate())
