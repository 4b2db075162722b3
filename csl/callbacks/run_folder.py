"""A folder of its own for every run, whatever logs it."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import Logger
from lightning.pytorch.loggers.utilities import _log_hyperparams

from csl.callbacks.versions import (
    claim,
    folder_of,
    go_on_in,
    numbers_folders,
    open_log,
    root_of,
    set_version,
    version_name,
)
from csl.runs import CHECKPOINTS, CONFIG


class RunFolder(Callback):
    """Claims the run's folder, and opens its loggers when training begins: until then nothing is written.

    The run's folder is that of the first logger that numbers its folders, as TensorBoard's and CSVLogger do; all that
    do get the same number. With other loggers, or none, versions are numbered under `name`. The first process of all
    makes the folder, so that two launches at once never share one.

    It stands first among the callbacks of a trainer with `logger=False`, which it gives the loggers to.

    Args:
        name: Where versions are numbered if no logger says where.
        loggers: The run's loggers.
        resumed: The folder of a run to go on with, in which the first logger goes on, too.
        step: The step it goes on from: what the logs hold from there on is hidden.

    Attributes:
        folder: The run's folder, once it is known.

    Raises:
        ValueError: In `setup`, if the folder was named and holds another run.
    """

    def __init__(self, name: Path, loggers: Sequence[Logger], resumed: Path | None = None, step: int = 0) -> None:
        self.name, self.loggers, self.resumed, self.step = name, list(loggers), resumed, step
        self.folder: Path | None = None
        self._is_open = False
        self._made: list[Path] = []

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Claim the folder, now that ranks are known, and place the loggers in it."""
        if self.folder is None:
            self.folder = self._continued() if self.resumed is not None else self._new(trainer)
            trainer.loggers = self.loggers
            self._logs_hyperparams = trainer.enable_autolog_hparams
            trainer.enable_autolog_hparams = False  # which opens loggers before a checkpoint is loaded
            for callback in trainer.callbacks:  # type: ignore[attr-defined]
                if isinstance(callback, ModelCheckpoint) and callback.dirpath is None:
                    callback.dirpath = str(self.folder / CHECKPOINTS)
        if stage != "fit":
            self.begin(trainer)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Open the logs: all that can be refused has been."""
        self.begin(trainer)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Give back a folder in which nothing was begun."""
        for folder in self._made if not self._is_open else ():
            with contextlib.suppress(OSError):
                folder.rmdir()

    def begin(self, trainer: Trainer) -> None:
        """Open the logs, once; on every process."""
        if self._is_open:
            return
        self._is_open = True
        for logger in self.loggers if trainer.is_global_zero else ():
            open_log(logger, self.step)
        if self._logs_hyperparams:
            _log_hyperparams(trainer)

    def _new(self, trainer: Trainer) -> Path:
        """A folder of its own."""
        answer: Any = None
        if trainer.is_global_zero:
            try:
                answer = self._claimed()
            except (OSError, ValueError) as error:
                answer = error  # which the others, who wait for the answer, must hear of
        answer = trainer.strategy.broadcast(answer)
        if isinstance(answer, Exception):
            raise answer
        number, folder = answer
        for logger in self.loggers:
            if numbers_folders(logger) and logger._version is None:
                set_version(logger, number)
        return Path(folder)

    def _claimed(self) -> tuple[int, Path]:
        """The number of what the loggers left open, and the run's folder."""
        numbering = [logger for logger in self.loggers if numbers_folders(logger)]
        named = folder_of(numbering[0]) if numbering and numbering[0]._version is not None else None
        if named is not None and (named / CONFIG).exists():
            raise ValueError(f"{named / CONFIG} is there already: the folder holds another run; name or remove it")
        roots = list(dict.fromkeys(root_of(logger) for logger in numbering if logger._version is None))
        roots = roots or ([] if named is not None else [self.name])
        number = claim(roots)
        self._made = [root / version_name(number) for root in roots]
        return number, named or self._made[0]

    def _continued(self) -> Path:
        """The folder that the run has; loggers with folders elsewhere go on in those of the same name."""
        assert self.resumed is not None
        folder = self.resumed.resolve()
        numbering = [logger for logger in self.loggers if numbers_folders(logger)]
        roots = [root_of(logger) for logger in numbering]
        for logger, root in zip(numbering, roots, strict=True):
            go_on_in(logger, folder if root == roots[0] else root / folder.name, self.step)
        return self.resumed


def has_folder(trainer: Trainer) -> bool:
    """Whether the run has a folder of its own; one without loggers has none unless a `RunFolder` claimed it."""
    claimed = any(isinstance(callback, RunFolder) for callback in trainer.callbacks)  # type: ignore[attr-defined]
    return claimed or bool(trainer.loggers and not trainer.fast_dev_run)  # type: ignore[attr-defined]


def run_folder(trainer: Trainer) -> Path:
    """The folder of the trainer's run; every process asks, since the answer may come from the first.

    Without a `RunFolder` it is where Lightning keeps a run's checkpoints.
    """
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if isinstance(callback, RunFolder) and callback.folder is not None:
            return callback.folder
    logger = trainer.logger
    if logger is None or numbers_folders(logger) or logger.save_dir is None:
        return Path(trainer.log_dir or trainer.default_root_dir)
    version = logger.version if isinstance(logger.version, str) else f"version_{logger.version}"
    return Path(trainer.strategy.broadcast(Path(logger.save_dir) / str(logger.name) / version))
