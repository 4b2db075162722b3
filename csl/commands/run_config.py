"""The configuration in a run's folder."""

from itertools import count
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import yaml
from jsonargparse import Namespace
from lightning.pytorch.cli import LightningArgumentParser
from lightning.pytorch.loggers import Logger

from csl.callbacks.run_folder import RunFolder
from csl.callbacks.versions import numbers_folders
from csl.commands.changes import check_images
from csl.io import replacing
from csl.runs import CONFIG, Run

ONE_CALL_ONLY = (
    *("config", "resume", "output", "shard_size", "epoch", "json", "weights"),
    *("ckpt_path", "weights_only", "verbose", "return_predictions"),
)
# What loggers call the option that says which of their runs to go on with.
IDENTITIES = ("id", "run_id", "experiment_key")


class RunConfig(RunFolder):
    """Writes the run's configuration into its folder when training begins, so that every command can read it.

    What belongs to one call is left out; an id that a logger gave its run is put in, so that `--resume` goes on with
    that. A run that goes on with other options keeps the earlier file beside it, as `config-1.yaml`.

    Args:
        parser: The parser that the configuration is of.
        config: The configuration.
        options: Those of `csl.callbacks.run_folder.RunFolder`.
    """

    def __init__(self, parser: LightningArgumentParser, config: Namespace, **options: Any) -> None:
        super().__init__(**options)
        kept = config.clone()
        for key in ONE_CALL_ONLY:
            kept.pop(key, None)
        self.config = kept
        # And not the parser, which cannot be sent to processes.
        self.text = parser.dump(kept, skip_unset=False)

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Refuse to go on with other images than the run's, before anything of it is touched."""
        super().setup(trainer, pl_module, stage)
        if stage == "fit" and self.resumed is not None and self.step:
            check_images(Run(self.resumed), trainer.datamodule)  # type: ignore[attr-defined]

    def begin(self, trainer: pl.Trainer) -> None:
        """Write the file when the logs are open."""
        was_open = self._is_open
        super().begin(trainer)
        if trainer.is_global_zero and not was_open and self.folder is not None:
            write(self.folder / CONFIG, with_identities(self.text, self.loggers))


def write(file: Path, text: str) -> None:
    """Write a configuration, whole or not at all; another one that is there is kept under the next free number."""
    if file.exists() and (earlier := file.read_bytes()) != text.encode():
        names = (file.with_stem(f"{file.stem}-{number}") for number in count(1))
        with replacing(next(name for name in names if not name.exists())) as out:
            out.write(earlier)
    with replacing(file) as out:
        out.write(text.encode())


def with_identities(text: str, loggers: list[Logger]) -> str:
    """A configuration with the ids that loggers gave the run, where it leaves them open."""
    config = yaml.safe_load(text)
    stated = config["trainer"]["logger"]
    stated = stated if isinstance(stated, list) else [stated]
    is_changed = False
    for part, logger in zip(stated, loggers, strict=False):  # the default logger is not stated
        names_itself = isinstance(part, dict) and not numbers_folders(logger)
        options: dict[str, Any] = part.get("init_args") or {} if names_itself else {}
        for name in IDENTITIES:
            if name in options and options[name] is None and logger.version is not None:
                options[name], is_changed = str(logger.version), True
    return yaml.safe_dump(config, sort_keys=False) if is_changed else text
