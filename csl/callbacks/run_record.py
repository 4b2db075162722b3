"""What a methods section needs, resolved, in the run's folder."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.core.saving import save_hparams_to_yaml
from lightning.pytorch.loggers import TensorBoardLogger

from csl.callbacks.environment import command_line, environment
from csl.callbacks.facts import (
    data_facts,
    encoder_facts,
    flat,
    measuring_facts,
    method_facts,
    optimization_facts,
    plain,
)
from csl.callbacks.run_folder import run_folder
from csl.io import replacing
from csl.methods.run import run_seed
from csl.runs import RECORD, Run


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    """Writes lists of numbers and words in one line."""

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> Any:
        return super().represent_sequence(tag, sequence, all(not isinstance(entry, dict | list) for entry in sequence))


class RunRecord(Callback):
    """Writes `record.yaml` beside a run's configuration, and gives the hyper-parameters to every logger.

    The configuration says what was asked for; the record says what that came to: method and encoder with their
    arguments and sizes, the optimizer with its scaled rate and its steps, what was read (counts, classes, a hash of
    the list of files), every strength of the augmentation, the window of the encoder, precision, what is measured. A
    run that was resumed has several legs; each has its command, its time, its device, the versions of the libraries
    and the Git commit of the working directory. The file is written when training starts and completed when it ends.

    Example:
        >>> RunRecord().folder is None  # known when training starts
        True
    """

    def __init__(self) -> None:
        self.folder: Path | None = None
        self._content: dict[str, Any] = {}
        self._started = 0.0

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self._started, self.folder = time.perf_counter(), None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the record, and tell the loggers; only now are the optimizer's steps known."""
        folder = run_folder(trainer)  # every process asks, since the answer comes from the first
        if trainer.fast_dev_run or not trainer.is_global_zero:  # type: ignore[attr-defined]
            return
        self.folder = folder
        leg = {
            "command": command_line(),
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "status": "running",
            "epochs": [trainer.current_epoch, None],
            "steps": [trainer.global_step, None],
            "seconds": None,
            "processes": trainer.world_size,
            **environment(trainer.strategy.root_device),
        }
        content = _settings(trainer, pl_module)
        content |= {"optimization": optimization_facts(trainer, pl_module), "measuring": measuring_facts(trainer)}
        earlier = Run(folder).record.get("legs", [])
        self._content = plain({**content, "legs": [*earlier, leg]})
        self._write()
        if not earlier:  # some loggers refuse to change what a run was started with
            _tell(trainer, content)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Complete the record, and say where the run is."""
        if self.folder is not None:
            print(f"The run is in {self.folder}; to measure it again: csl validate {self.folder}")
        self._complete(trainer, "finished")

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Say in the record how the run ended."""
        name = type(exception).__name__
        self._complete(trainer, "interrupted" if isinstance(exception, KeyboardInterrupt) else f"ended by {name}")

    def _complete(self, trainer: Trainer, status: str) -> None:
        if self.folder is None:
            return
        leg = self._content["legs"][-1]
        leg["status"], leg["seconds"] = status, round(time.perf_counter() - self._started, 1)
        leg["epochs"][1], leg["steps"][1] = trainer.current_epoch, trainer.global_step
        self._write()
        self.folder = None

    def _write(self) -> None:
        assert self.folder is not None
        with replacing(self.folder / RECORD) as file:
            file.write(
                yaml.dump(self._content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120).encode()
            )


def _tell(trainer: Trainer, content: Mapping[str, Any]) -> None:
    """Give the hyper-parameters to every logger: numbers and words by name, without what was read."""
    data = {name: value for name, value in content["data"].items() if name != "read"}
    known = {name: value for name, value in content.items() if name not in ("data", "measuring")}
    for logger in trainer.loggers:
        logger.log_hyperparams(dict(flat(plain({**known, "data": data}))))
        if isinstance(logger, TensorBoardLogger):  # which has written its file already, and does so once
            save_hparams_to_yaml(Path(logger.log_dir) / logger.NAME_HPARAMS_FILE, logger.hparams)


def _settings(trainer: Trainer, module: LightningModule) -> dict[str, Any]:
    """What is known before the optimizer is."""
    model = _configuration(trainer).get("model") or {}
    return {
        "method": method_facts(module, model),
        "encoder": encoder_facts(getattr(module, "encoder", module), (model.get("init_args") or {}).get("encoder")),
        "data": data_facts(getattr(trainer, "datamodule", None)),
        "precision": str(trainer.precision),
        "seed": run_seed(),
    }


def _configuration(trainer: Trainer) -> Mapping[str, Any]:
    """What the command line was resolved to; empty for a trainer made in Python."""
    found: list[Any] = [getattr(callback, "config", None) for callback in trainer.callbacks]  # type: ignore[attr-defined]
    return next((config.as_dict() for config in found if hasattr(config, "as_dict")), {})
