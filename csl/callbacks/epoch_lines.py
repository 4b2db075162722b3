"""One line an epoch where there is no terminal for a progress bar."""

import sys
from time import perf_counter

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import RichProgressBar, TQDMProgressBar


class EpochLines(Callback):
    """Prints one line at the end of every epoch of a fit, where no progress bar is shown.

    A bar is for a terminal or a notebook: in a file or a pipe it would leave hundreds of frames, and is switched off.
    The line holds the loss, and of an epoch that was measured what the bar would show.

    Example:
        >>> print(epoch_line(3, 60, {"train/loss": 4.5, "val/rld_0.1": 0.25}, 2.0))
        epoch 3 of 60: train/loss 4.5000, val/rld_0.1 0.2500 (2.0 s)
    """

    def __init__(self) -> None:
        self._speaks = self._measured = False
        self._started = 0.0

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Switch a bar off that nobody could watch."""
        bar = trainer.progress_bar_callback
        if isinstance(bar, (TQDMProgressBar, RichProgressBar)) and not can_show_a_bar():
            bar.disable()
            bar = None
        self._speaks = bar is None and trainer.is_global_zero

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock: a run that goes on within an epoch does not start one."""
        self._started = perf_counter()

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self._started, self._measured = perf_counter(), False

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note that this epoch has new measurements."""
        self._measured = not trainer.sanity_checking

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the epoch."""
        if not self._speaks:
            return
        shown = {
            name: float(trainer.callback_metrics[name]) for name in ["train/loss"] if name in trainer.callback_metrics
        }
        if self._measured:
            measured = trainer.progress_bar_metrics.items()
            shown |= {name: float(value) for name, value in measured if name.startswith("val/")}
        print(
            epoch_line(trainer.current_epoch + 1, trainer.max_epochs, shown, perf_counter() - self._started), flush=True
        )


def epoch_line(epoch: int, epochs: int | None, scalars: dict[str, float], seconds: float) -> str:
    """An epoch in words."""
    of = f" of {epochs}" if epochs and epochs > 0 else ""
    numbers = ", ".join(f"{name} {value:.4f}" for name, value in scalars.items())
    return f"epoch {epoch}{of}:{' ' * bool(numbers)}{numbers} ({seconds:.1f} s)"


def can_show_a_bar() -> bool:
    """Whether the program writes to a terminal or a notebook."""
    return sys.stdout.isatty() or "ipykernel" in sys.modules
