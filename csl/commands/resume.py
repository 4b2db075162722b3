"""Going on with a run in its own folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from torch import nn

from csl.commands.changes import check_options, check_weights
from csl.commands.errors import CommandError
from csl.io import load_checkpoint
from csl.runs import CONFIG, LAST, Checkpoint, Run, options_of, reached

NOT_FITS = ("validate", "test", "predict")


@dataclass(frozen=True)
class Resumption:
    """A run that can be taken up again.

    Attributes:
        run: Its folder, such as `lightning_logs/simclr-digits/version_0`.
        done: How far it has come; what the log holds from that step on is void.
    """

    run: Run
    done: Checkpoint

    def line(self) -> list[str]:
        """The options that stand for the run's own configuration and checkpoint."""
        checkpoint = ["--ckpt_path", str(self.run.last)] if self.done.step else []
        return ["--config", str(self.run.folder / CONFIG), *checkpoint]

    def check_options(self, config: Namespace) -> None:
        """Refuse options that a run cannot change on its way.

        Raises:
            CommandError: If there is one; names it.
        """
        check_options(self._own, options_of(config.as_dict()), self.run.folder, self.done.in_epoch)

    def check_weights(self, config: Namespace, model: nn.Module) -> None:
        """Refuse options with which the weights of the checkpoint do not fit.

        Raises:
            CommandError: If there is one; names it.
        """
        if self.done.step:
            check_weights(self._own, options_of(config.as_dict()), load_checkpoint(self.run.last, mmap=True), model)

    @property
    def _own(self) -> dict[str, Any]:
        return options_of(self.run.config)

    def finished(self, max_epochs: int | None, max_steps: int) -> str:
        """What to tell somebody who resumes a run that has reached its end; empty if it has not."""
        if reached(self.done.epoch, max_epochs):
            return self._nothing_left("epochs", self.done.epoch, max_epochs)
        if reached(self.done.step, max_steps):
            return self._nothing_left("steps", self.done.step, max_steps)
        return ""

    def _nothing_left(self, unit: str, done: int, limit: int | None) -> str:
        option = f"--trainer.max_{unit}"
        return (
            f"{self.run.folder} has done {done} {unit} and {option} is {limit}: nothing is left to train. "
            f"To go on, raise it, for example: {option} {2 * done}"
        )


def find_run(folder: str) -> Resumption:
    """The run in a folder; one that was stopped before its first checkpoint starts again, in the same folder.

    Raises:
        CommandError: If there is no run to go on with, saying what is missing, or its checkpoint is damaged.
    """
    run = Run(Path(folder))
    if not (run.folder / CONFIG).is_file() or run.folder.resolve().parent.name in NOT_FITS:
        raise CommandError(
            f"--resume: {folder} is not the folder of a run of csl fit: it holds no configuration ({CONFIG}) of one"
        )
    if not run.is_started and (held := run.checkpoint_files):
        raise CommandError(
            f"--resume: {folder} holds no checkpoint ({LAST}), only {held[0].name}; to start from that in a new "
            f"folder: csl fit --config {run.folder / CONFIG} --ckpt_path {held[0]}"
        )
    try:
        return Resumption(run, run.progress)
    except ValueError as error:
        raise CommandError(f"--resume: {run.last} cannot be resumed from: {error}") from error
