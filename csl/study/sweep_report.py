"""A sweep as tables, files and a picture."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from csl.figures import epoch_curves
from csl.io import replacing
from csl.study.clid import CLID, with_clid
from csl.study.sweep import Swept
from csl.study.verdict import Correlation, Verdict, verdicts
from csl.table import Cell, Table

COLUMNS = {
    "train/loss": "loss",
    "val/loss": "val loss",
    "val/linear_accuracy": "linear",
    "val/knn_accuracy": "kNN",
    "val/gcn_accuracy": "GCN",
    "val/rld_1.0": "RLD(1.0)",
    "val/rld_0.1": "RLD(0.1)",
    "val/calinski_harabasz": "CHS",
    "val/rankme": "RankMe",
    CLID: "CLID",
}
KEEP_MORE = (
    "{name} holds one checkpoint, from which nothing can be said of epochs. To keep more, train with "
    "csl fit --trainer.callbacks+=RunCheckpoint --trainer.callbacks.keep_every_n_epochs 10"
)


class SweepReport:
    """What was measured of every checkpoint of some runs, and which of them each label-free measure would choose.

    Args:
        runs: What was measured.
    """

    def __init__(self, runs: Sequence[Swept]) -> None:
        self.runs = with_clid([run for run in runs if run.rows])
        self.faults = [fault for run in runs for fault in run.faults]
        compared = [run for run in self.runs if len(run.rows) > 1]
        self.verdicts = verdicts(compared) if compared else []

    @property
    def fault(self) -> str:
        """What was passed over, for the end of the command; empty if nothing was."""
        return "\n".join(self.faults)

    def epochs(self, run: Swept) -> Table:
        """The chief numbers of one run, epoch by epoch."""
        names = [name for name in COLUMNS if name in run.names]
        rows = [[str(row.epoch), *(row.values.get(name) for name in names)] for row in run.rows]
        return Table(["epoch", *(COLUMNS[name] for name in names)], rows)

    def everything(self, run: Swept) -> Table:
        """All numbers of one run, in full precision in CSV."""
        rows: list[list[Cell]] = [
            [row.checkpoint, row.epoch, row.step, *(row.values.get(name) for name in run.names)] for row in run.rows
        ]
        return Table(["checkpoint", "epoch", "step", *run.names], rows)

    def choices(self) -> Table:
        """One row for each label-free measure: the epochs it would choose, regrets and correlations."""
        targets = list(self.verdicts[0].regrets) if self.verdicts else []
        short = {target: COLUMNS[target] for target in targets}
        header = [
            "measure",
            "epoch",
            *(f"{short[t]} lost" for t in targets),
            *(f"Spearman {short[t]}" for t in targets),
        ]
        return Table(header, [self._choice(verdict, targets) for verdict in self.verdicts])

    def _choice(self, verdict: Verdict, targets: Sequence[str]) -> list[Cell]:
        picks = ", ".join("-" if pick is None else str(pick) for pick in verdict.picks)
        lost = [None if math.isnan(verdict.regrets[target]) else verdict.regrets[target] for target in targets]
        return [verdict.measure, picks, *lost, *(_shown(verdict.correlations[target]) for target in targets)]

    def __str__(self) -> str:
        """The tables, for a screen."""
        parts = [f"{run.name}\n{self.epochs(run).text()}" for run in self.runs]
        if self.verdicts:
            parts.append(f"{self._heading()}\n{self.choices().text()}\n{LEGEND}")
        parts += [KEEP_MORE.format(name=run.name) for run in self.runs if len(run.rows) == 1]
        return "\n\n".join(parts)

    def _heading(self) -> str:
        names = ", ".join(run.name for run in self.runs if len(run.rows) > 1)
        return f"Which epoch to take: what each label-free measure would choose ({names})"

    def to_json(self) -> Mapping[str, Any]:
        """Everything, with null where a number is not finite."""
        return {
            "runs": {run.name: [row.to_json() for row in run.rows] for run in self.runs},
            "verdicts": [_plain(verdict) for verdict in self.verdicts],
            "faults": self.faults,
        }

    def write(self, folder: Path) -> None:
        """Write `sweep.json`, `sweep.md`, one CSV for each run, the choices as CSV, and the picture as PNG and SVG.

        Nothing is written where nothing was measured.
        """
        if not self.runs:
            return
        _write(folder / "sweep.json", json.dumps(self.to_json(), indent=1, allow_nan=False))
        parts = [f"## {run.name}\n\n{self.epochs(run).markdown()}" for run in self.runs]
        (folder / "choices.csv").unlink(missing_ok=True)  # of a sweep of more checkpoints
        if self.verdicts:
            parts.append(f"## {self._heading()}\n\n{self.choices().markdown()}\n\n{LEGEND}")
            _write(folder / "choices.csv", self.choices().csv())
        _write(folder / "sweep.md", "\n\n".join(parts))
        for run in self.runs:
            name = "epochs.csv" if len(self.runs) == 1 else f"epochs-{run.name.replace('/', '-')}.csv"
            _write(folder / name, self.everything(run).csv())
        figure = epoch_curves({run.name: {row.epoch: row.values for row in run.rows} for run in self.runs})
        for form in ("png", "svg"):
            with replacing(folder / f"sweep.{form}") as file:
                figure.savefig(file, format=form)


LEGEND = """CLID: of these checkpoints alone, each of its two parts from the lowest, 0, to the highest, 1
lost: accuracy at the chosen epoch below the best epoch's, mean over runs
Spearman: rank correlation over all checkpoints, 95 % bootstrap interval; +1: the measure's good end is the probe's"""


def _shown(correlation: Correlation) -> str:
    if math.isnan(correlation.value):
        return "-"
    value = f"{correlation.value:+.2f}"
    return value if math.isnan(correlation.low) else f"{value} [{correlation.low:+.2f}, {correlation.high:+.2f}]"


def _plain(verdict: Verdict) -> dict[str, Any]:
    def number(value: float) -> float | None:
        return value if math.isfinite(value) else None

    return {
        "measure": verdict.measure,
        "picks": verdict.picks,
        "regrets": {target: number(value) for target, value in verdict.regrets.items()},
        "spearman": {target: [*map(number, found)] for target, found in verdict.correlations.items()},
    }


def _write(path: Path, text: str) -> None:
    with replacing(path) as file:
        file.write(f"{text.rstrip()}\n".encode())
