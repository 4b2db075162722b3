"""What sweeps found: tables, a picture, and which checkpoint each label-free measure would choose."""

import math
from collections.abc import Iterable, Mapping, Sequence

from csl.figures import correlation_plot, epoch_curves
from csl.study.clid import CLID, with_clid
from csl.study.outcome import Outcome
from csl.study.sweep import Swept
from csl.study.verdict import FEWEST, Correlation, Verdict, verdicts
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
WHICH_EPOCH = "Which epoch to take: what each label-free measure would choose"
WHICH_RUN = "Which run to take: how each label-free measure ranks the runs"
CLID_LEGEND = "CLID: of these checkpoints alone, each of its two parts from the lowest, 0, to the highest, 1"
LOST_LEGEND = "lost: accuracy at the chosen epoch below the best epoch's, mean over runs"
SPEARMAN_LEGEND = (
    "Spearman: rank correlation over all checkpoints, 95 % bootstrap interval; +1: both good ends are the same"
)
LOSS_LEGEND = (
    "the losses of different methods have scales of their own: their ranks mean something within a method alone"
)


def sweep_report(runs: Sequence[Swept]) -> Outcome:
    """What was measured of every checkpoint of some runs, and which of them each label-free measure would choose.

    Tables: `epochs` has the chief numbers, `measures` all of them, `choices` one row for each label-free measure. Four
    runs of a single checkpoint, or more, are compared with each other: then no epoch is chosen.

    Args:
        runs: What was measured; those without a single checkpoint add their faults alone.

    Returns:
        The tables, the curves and the correlations; nothing where nothing was measured.
    """
    measured = with_clid([run for run in runs if run.rows])
    faults = [fault for run in runs for fault in run.faults]
    facts, fault = {"faults": faults}, "\n".join(faults)
    if not measured:
        return Outcome("", facts=facts, fault=fault)
    chooses = any(len(run.rows) > 1 for run in measured)
    found = verdicts(measured) if chooses or len(measured) >= FEWEST else []
    tables = {"epochs": epochs_table(measured), "measures": measures_table(measured), "choices": choices_table(found)}
    figures = {}
    if chooses:
        figures["sweep"] = epoch_curves({run.name: {row.epoch: row.values for row in run.rows} for run in measured})
    if followed := _followed(found):
        figures["correlations"] = correlation_plot(followed)
    parts = [tables["epochs"].text()]
    if found:
        parts.append(_choices(found) if chooses else _ranking(found))
    if chooses or not found:
        parts += [KEEP_MORE.format(name=run.name) for run in measured if len(run.rows) == 1]
    return Outcome("\n\n".join(parts), tables, figures, facts, fault)


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


def _choices(found: Sequence[Verdict]) -> str:
    """Which epoch each measure would choose, for a screen, with intervals in brackets."""
    targets = _targets(found)
    lost = [f"{name} lost" for name in targets.values()]
    rows = [[*_choice(one), *_intervals(one, targets)] for one in found]
    table = Table(["measure", "epoch", *lost, *_headings(targets)], rows)
    return "\n".join([WHICH_EPOCH, table.text(), CLID_LEGEND, LOST_LEGEND, SPEARMAN_LEGEND])


def _ranking(found: Sequence[Verdict]) -> str:
    """How each measure ranks runs of a single checkpoint, for a screen."""
    targets = _targets(found)
    table = Table(["measure", *_headings(targets)], [[one.measure, *_intervals(one, targets)] for one in found])
    return "\n".join([WHICH_RUN, table.text(), CLID_LEGEND, SPEARMAN_LEGEND, LOSS_LEGEND])


def _followed(found: Sequence[Verdict]) -> dict[str, dict[str, Correlation]]:
    """The correlations that have an interval, by measure and by the accuracy that is followed."""
    targets = _targets(found)
    named = {
        one.measure: {targets[t]: c for t, c in one.correlations.items() if not math.isnan(c.low)} for one in found
    }
    return {measure: correlations for measure, correlations in named.items() if correlations}


def _targets(found: Sequence[Verdict]) -> dict[str, str]:
    """The accuracies that choices are compared with, and what tables call them."""
    return {target: COLUMNS[target] for target in (found[0].regrets if found else ())}


def _choice(one: Verdict) -> list[Cell]:
    picks = ["-" if pick is None else str(pick) for pick in one.picks]
    epochs = ", ".join(picks) if set(picks) != {"-"} else "-"
    return [one.measure, epochs, *(None if math.isnan(regret) else regret for regret in one.regrets.values())]


def _headings(targets: Mapping[str, str]) -> list[str]:
    return [f"Spearman {name}" for name in targets.values()]


def _intervals(one: Verdict, targets: Iterable[str]) -> list[str]:
    return [_interval(one.correlations[target]) for target in targets]


def _interval(correlation: Correlation) -> str:
    if math.isnan(correlation.value):
        return "-"
    value = f"{correlation.value:+.2f}"
    return value if math.isnan(correlation.low) else f"{value} [{correlation.low:+.2f}, {correlation.high:+.2f}]"
