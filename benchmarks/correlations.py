"""Which measures rank methods as accuracy does: Spearman's correlations over the rows that `benchmarks.methods` made.

    python -m benchmarks.correlations configs/digits configs/mnist configs/cifar10/cpu

Each method counts once, with the mean over its seeds. The second table leaves out the methods that see labels.
"""

import argparse
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

import numpy as np

from benchmarks.machine import report
from benchmarks.method_rows import Experiment, Row
from benchmarks.plane import FAMILIES
from csl.study.verdict import spearman
from csl.table import Table

Target = str | tuple[str, str]  # a scalar, or the first less the second
ACCURACIES = {"kNN": "val/knn_accuracy", "linear": "val/linear_accuracy", "GCN": "val/gcn_accuracy"}
MEASURES = {
    "kNN": "val/knn_accuracy",
    "RLD(0.1)": "val/rld_0.1",
    "RLD(0.2)": "val/rld_0.2",
    "RLD(1.0)": "val/rld_1.0",
    "CHS": "val/calinski_harabasz",
    "NC1": "val/nc1_variability",
    "RankMe": "val/rankme",
    "feature std": "val/feature_std",
}
TITLES = {"mnist": "MNIST", "cifar10": "CIFAR-10", "cifar10-cpu": "CIFAR-10"}
TEXT = (
    "Spearman's rank correlation over methods, with a 95 % bootstrap interval; all measures are of the held-out "
    "images. NC1 is small where classes are tight, and so correlates negatively."
)


def main() -> None:
    """Read the rows, print the tables and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("configs", type=Path, nargs="+", help="folders of configs, such as configs/digits")
    folders = parser.parse_args().configs
    experiments = {TITLES.get(one.name, one.name): one for one in map(Experiment, folders)}
    parts = [TEXT]
    for title, without in {
        "All methods": FAMILIES["no training"],
        "Methods that see no labels": (*FAMILIES["no training"], *FAMILIES["labels"]),
    }.items():
        rows = {name: list(one.by_name(without=without).values()) for name, one in experiments.items()}
        parts += [f"## {title}", table(rows)]
    command = f"python -m benchmarks.correlations {' '.join(map(str, folders))}"
    report("correlations", "Which measures rank methods as accuracy does", command, "\n\n".join(parts))


def table(groups: Mapping[str, Sequence[Sequence[Row]]]) -> str:
    """The correlation of each measure with kNN and linear accuracy, for several experiments side by side."""
    targets = {title: ACCURACIES[title] for title in ("kNN", "linear")}
    header = ["", *(f"{name}, {title} ({len(rows)})" for name, rows in groups.items() for title in targets)]
    columns = [correlations(rows, MEASURES, targets) for rows in groups.values()]
    empty = [""] * len(targets)
    lines = [[title, *(cell for column in columns for cell in column.get(title, empty))] for title in MEASURES]
    return Table(header, lines).markdown()


def correlations(
    rows: Sequence[Sequence[Row]], measures: Mapping[str, str], targets: Mapping[str, Target]
) -> dict[str, list[str]]:
    """By title, a measure's correlations with the targets, as text; only of measures that all methods have.

    Args:
        rows: Each method's, of all its seeds.
        measures: Scalars by title.
        targets: Scalars by title, or two whose difference is meant.
    """
    return {
        title: [correlation(rows, scalar, target) for target in targets.values()]
        for title, scalar in measures.items()
        if not np.isnan(mean(rows, scalar)).any()
    }


def correlation(rows: Sequence[Sequence[Row]], scalar: str, target: Target) -> str:
    """One correlation with its interval; nothing for a scalar with itself."""
    if scalar == target:
        return ""
    wanted = mean(rows, target) if isinstance(target, str) else mean(rows, target[0]) - mean(rows, target[1])
    found = spearman(mean(rows, scalar), wanted, np.zeros(len(rows), dtype=np.int64))
    return f"{found.value:+.2f} [{found.low:+.2f}, {found.high:+.2f}]"


def mean(rows: Sequence[Sequence[Row]], scalar: str) -> np.ndarray:
    """A scalar's mean over each method's seeds `[methods]`; NaN where a seed has none."""
    return np.array([fmean(row.scalars.get(scalar, math.nan) for row in one) for one in rows])


if __name__ == "__main__":
    main()
