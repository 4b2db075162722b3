"""The training loss on the progress bar, without a wait in every step."""

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from csl.methods.run import wants_scalars


class LossOnBar(Callback):
    """Shows the loss of the last log step on the progress bar, of whatever class.

    `self.log(..., prog_bar=True)` would make a GPU wait in every step.
    """

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Pass the number on where it is new."""
        if trainer.progress_bar_callback is None or not trainer.is_global_zero or not wants_scalars(trainer):
            return
        if (loss := trainer.callback_metrics.get("train/loss")) is not None:
            trainer.progress_bar_metrics["train/loss"] = float(loss)
