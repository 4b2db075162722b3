"""Going on with a run in its own folder."""

from dataclasses import dataclass
from pathlib import Path

from lightning.pytorch.loggers import TensorBoardLogger

from csl.callbacks.checkpoint_io import load_checkpoint
from csl.callbacks.run_checkpoint import LAST
from csl.commands.errors import CommandError

CONFIG = "config.yaml"
NOT_FITS = ("validate", "test", "predict")


@dataclass(frozen=True)
class Resumption:
    """A run that can be taken up again.

    Attributes:
        folder: The run's folder, such as `lightning_logs/simclr-digits/version_0`.
        next_step: The first step that the run has not done yet; what the log holds from there on is void.
        epochs: The epochs that are done.
    """

    folder: Path
    next_step: int
    epochs: int

    def line(self) -> list[str]:
        """The options that stand for the run's own configuration and checkpoint."""
        checkpoint = ["--ckpt_path", str(self.folder / LAST)] if self.next_step else []
        return ["--config", str(self.folder / CONFIG), *checkpoint]

    def logger(self) -> TensorBoardLogger:
        """A logger that writes into the run's folder and hides the steps that are about to be done again."""
        folder = self.folder.resolve()
        return TensorBoardLogger(
            folder.parent, name="", version=folder.name, default_hp_metric=False, purge_step=self.next_step
        )

    def finished(self, max_epochs: int | None, max_steps: int) -> str:
        """What to tell somebody who resumes a run that has reached its end; empty if it has not."""
        if max_epochs not in (None, -1) and self.epochs >= int(max_epochs or 0):
            return self._nothing_left(f"{self.epochs} epochs", "--trainer.max_epochs", max_epochs, 2 * self.epochs)
        if max_steps != -1 and self.next_step >= max_steps:
            return self._nothing_left(f"{self.next_step} steps", "--trainer.max_steps", max_steps, 2 * self.next_step)
        return ""

    def _nothing_left(self, done: str, option: str, limit: int | None, example: int) -> str:
        return (
            f"{self.folder} has done {done} and {option} is {limit}: nothing is left to train. "
            f"To go on, raise it, for example: {option} {example}"
        )


def find_run(folder: str) -> Resumption:
    """The run in a folder; one that was stopped before its first checkpoint starts again, in the same folder.

    Raises:
        CommandError: If there is no run to go on with, saying what is missing, or its checkpoint is damaged.
    """
    run = Path(folder)
    if not (run / CONFIG).is_file() or run.resolve().parent.name in NOT_FITS:
        raise CommandError(
            f"--resume: {run} is not the folder of a run of csl fit: it holds no configuration ({CONFIG}) of one"
        )
    if not (run / LAST).is_file():
        if held := sorted((run / LAST).parent.glob("[!.]*.ckpt")):
            raise CommandError(
                f"--resume: {run} holds no checkpoint ({LAST}), only {held[0].name}; to start from that in a new "
                f"folder: csl fit --config {run / CONFIG} --ckpt_path {held[0]}"
            )
        return Resumption(run, next_step=0, epochs=0)
    try:
        checkpoint = load_checkpoint(run / LAST, name="--resume", mmap=True)
        epochs = checkpoint["loops"]["fit_loop"]["epoch_progress"]["current"]["processed"]
        return Resumption(run, next_step=int(checkpoint["global_step"]), epochs=int(epochs))
    except (ValueError, KeyError) as error:
        reason = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise CommandError(f"--resume: {run / LAST} cannot be resumed from: {reason}") from error
