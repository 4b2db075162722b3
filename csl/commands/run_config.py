"""The configuration in a run's folder."""

from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from jsonargparse import Namespace
from lightning.pytorch.cli import LightningArgumentParser, SaveConfigCallback

from csl.commands.errors import CommandError
from csl.io import replacing
from csl.runs import CONFIG

ONE_CALL_ONLY = ("config", "resume", "output", "epoch", "json", "weights", "ckpt_path", "weights_only", "verbose")
ONE_CALL_ONLY += ("return_predictions",)


class RunConfig(SaveConfigCallback):
    """Writes the run's configuration, without what belongs to one call, so that every command can read it."""

    def __init__(self, parser: LightningArgumentParser, config: Namespace, **kwargs: Any) -> None:
        kept = config.clone()
        for key in ONE_CALL_ONLY:
            kept.pop(key, None)
        super().__init__(parser, kept, **kwargs)

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Write it before anything else is done, whole or not at all: `--resume` needs it."""
        if self.already_saved or (stage != "fit" and not trainer.loggers):
            return  # what only looks at a run and keeps no log has no folder of its own
        file = Path(trainer.log_dir or trainer.default_root_dir) / CONFIG  # every process asks the first
        if trainer.strategy.broadcast(file.exists() and not self.overwrite):
            raise CommandError(f"{file} is there already: the folder holds another run; name or remove it")
        if trainer.is_global_zero:
            with replacing(file) as out:
                out.write(self.parser.dump(self.config, skip_unset=False).encode())
        self.already_saved = True
