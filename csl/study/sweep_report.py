"""What sweeps found: tables, a picture, and which checkpoint each label-free measure would choose."""

import math
from collections.abc import Sequence

from csl.figures import epoch_curves
from csl.study.clid import CLID, with_clid
from csl.study.outcome import Outcome
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
HEADING = "Which epoch to take: what each label-free measure would choose"
LEGEND = """CLID: of these checkpoints alone, each of its two parts from the lowest, 0, to the highest, 1
lost: accuracy at the chosen epoch below the best epoch's, mean over runs
Spearman: rank correlation over all checkpoints, 95 % bootstrap interval; +1: the measure's good end is the probe's"""


def sweep_report(runs: Sequence[Swept]) -> Outcome:
    """What was measured of every checkpoint of some runs, and which of them each label-free measure would choose.

    Tables: `epochs` has the chief numbers, `measures` all of them, `choices` one row for each label-free measure.

    Args:
        runs: What was measured; those without a single checkpoint add their faults alone.

    Returns:
        The tables and the curves; neither where nothing was measured.
    """
    measured = with_clid([run for run in runs if run.rows])
    faults = [fault for run in runs for fault in run.faults]
    facts, fault = {"faults": faults}, "\n".join(faults)
    if not measured:
        return Outcome("", facts=facts, fault=fault)
    found = verdicts([run for run in measured if len(run.rows) > 1])
    tables = {"epochs": epochs_table(measured), "measures": measures_table(measured), "choices": choices_table(found)}
    picture = epoch_curves({run.name: {row.epoch: row.values for row in run.rows} for run in measured})
    parts = [tables["epochs"].text()]
    if found:
        parts.append("\n".join([HEADING, _shown(found).text(), LEGEND]))
    parts += [KEEP_MORE.format(name=run.name) for run in measured if len(run.rows) == 1]
    return Outcome("\n\n".join(parts), tables, {"sweep": picture}, facts, fault)


def epochs_table(runs: Sequence[Swept]) -> Table:
    """The chief numbers, one row a checkpoint."""
    names = [name for name in COLUMNS if any(name in run.names for run in runs)]
    rows = [[run.name, row.epoch, *map(row.values.get, names)] for run in runs for row in run.rows]
    return Table(["run", "epoch", *(COLUMNS[name] for name in names)], rows)


def measures_table(runs: Sequence[Swept]) -> Table:
    """All numbers, by the names that a log has, one row a checkpoint."""
    names = list(dict.fromkeys(name for run in runs for name in run.names))
    rows = [
        [run.name, row.checkpoint, row.epoch, row.step, *map(row.values.get, names)] for run in runs for row in run.rows
    ]
    return Table(["run", "checkpoint", "epoch", "step", *names], rows)


def choices_table(found: Sequence[Verdict]) -> Table:
    """One row for each label-free measure: the epochs it would choose, regrets, correlations and their intervals."""
    targets = _targets(found)
    ends = [f"Spearman {name}{end}" for name in targets.values() for end in ("", " low", " high")]
    rows = [[*_choice(one), *(number for target in targets for number in one.correlations[target])] for one in found]
    return Table(["measure", "epoch", *(f"{name} lost" for name in targets.values()), *ends], rows)


def _shown(found: Sequence[Verdict]) -> Table:
    """The same for a screen, with intervals in brackets."""
    targets = _targets(found)
    header = [f"{name} lost" for name in targets.values()] + [f"Spearman {name}" for name in targets.values()]
    rows = [[*_choice(one), *(_interval(one.correlations[target]) for target in targets)] for one in found]
    return Table(["measure", "epoch", *header], rows)


def _targets(found: Sequence[Verdict]) -> dict[str, str]:
    """The accuracies that choices are compared with, and what tables call them."""
    return {target: COLUMNS[target] for target in (found[0].regrets if found else ())}


def _choice(one: Verdict) -> list[Cell]:
    picks = ", ".join("-" if pick is None else str(pick) for pick in one.picks)
    return [one.measure, picks, *(None if math.isnan(regret) else regret for regret in one.regrets.values())]


def _interval(correlation: Correlation) -> str:
    if math.isnan(correlation.value):
        return "-"
    value = f"{correlation.value:+.2f}"
    return value if math.isnan(correlation.low) else f"{value} [{correlation.low:+.2f}, {correlation.high:+.2f}]"
