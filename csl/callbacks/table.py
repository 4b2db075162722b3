"""The measurements of the last pass as a table on the screen."""

import math
from collections.abc import Mapping
from pathlib import Path

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor

from csl.callbacks.collapse import CollapseAlarm
from csl.callbacks.features import FeatureCollector
from csl.table import Table, shown

COUNTS = "_parameters"
SETS = ("train", "val", "test")


class MeasurementTable(Callback):
    """Prints what was measured last, when a `fit`, `validate` or `test` ends, and how to open TensorBoard after a fit.

    Example:
        >>> print(measurement_table({"train/rld_0.1": 0.9, "val/rld_0.1": 0.8, "val/knn_accuracy": 0.97}))
                           train         val
        rld_0.1           0.9000      0.8000
        knn_accuracy                  0.9700
    """

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the table of the end, and of which epoch and step it is."""
        self._print(trainer, pl_module, _when(trainer))
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger) and trainer.is_global_zero:
                print(f"\nCurves and pictures: tensorboard --logdir {log_root(logger.save_dir)}")

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the table of `csl validate`."""
        if trainer.state.fn == "validate":
            self._print(trainer, pl_module, "on the validation images")

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the table of `csl test`."""
        self._print(trainer, pl_module, "on the test images")

    def _print(self, trainer: Trainer, module: LightningModule, when: str) -> None:
        if trainer.is_global_zero and trainer.callback_metrics:
            print(f"\n{type(module).__name__} {when}")
            callbacks = trainer.callbacks  # type: ignore[attr-defined]
            old = [one.is_stale for one in callbacks if isinstance(one, FeatureCollector) and trainer.state.fn == "fit"]
            scalars = trainer.callback_metrics.items()
            print(measurement_table({name: value for name, value in scalars if not any(f(trainer, name) for f in old)}))
            for callback in callbacks:
                if isinstance(callback, CollapseAlarm) and callback.finding:
                    print(callback.finding)


def _when(trainer: Trainer) -> str:
    """What the measurements of a fit are of."""
    collectors = [one for one in trainer.callbacks if isinstance(one, FeatureCollector)]  # type: ignore[attr-defined]
    part = ", on the part of the images that fast_dev_run takes" if trainer.fast_dev_run else ""  # type: ignore[attr-defined]
    measured = next((one.measured for one in collectors if one.measured), "")
    return f"after {measured or f'epoch {trainer.current_epoch}'}{part}"


def log_root(folder: str | Path) -> Path:
    """Where the runs of all methods are, seen from here: a resumed run logs in its own folder.

    Example:
        >>> log_root(Path.cwd() / "lightning_logs" / "simclr-digits").as_posix(), log_root("logs").as_posix()
        ('lightning_logs', 'logs')
    """
    folder = Path(folder).resolve()
    root = next((place for place in (folder, *folder.parents) if place.name == "lightning_logs"), folder)
    return root.relative_to(Path.cwd()) if root.is_relative_to(Path.cwd()) else root


def measurement_table(scalars: Mapping[str, Tensor | float]) -> str:
    """Scalars called `<set>/<measurement>` as a table with a row a measurement and a column a set."""
    cells: dict[str, dict[str, float]] = {}
    for name, value in scalars.items():
        column, _, row = name.partition("/")
        if row and column in SETS and not row.endswith(("_step", "_epoch")):
            cells.setdefault(row, {})[column] = float(value)
    columns = [name for name in SETS if any(name in row for row in cells.values())]
    rows = [[row, *(_cell(row, values.get(column)) for column in columns)] for row, values in cells.items()]
    return Table(["", *columns], rows).text(least=10)


def _cell(row: str, value: float | None) -> str:
    if value is not None and row.endswith(COUNTS) and math.isfinite(value):
        return f"{value:,.0f}"
    return shown(value, largest=100)
