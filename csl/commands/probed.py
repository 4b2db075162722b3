"""What probes reach on features from files, beside the panel."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from csl.io import FeatureTable
from csl.metrics import Analysis
from csl.probes import ProbeResult
from csl.table import Cell, aligned


class ProbedAnalysis:
    """What was measured of held-out features, and what probes reach on them."""

    def __init__(self, analysis: Analysis, probes: Mapping[str, ProbeResult]) -> None:
        self.analysis, self.probes = analysis, probes

    def __str__(self) -> str:
        """The panel's table, and the probes'."""
        rows: list[list[Cell]] = [["Probes", "accuracy", "balanced", "parameters"]]
        for name, found in self.probes.items():
            rows.append([f"  {name}", found.val_accuracy, found.balanced_accuracy, f"{found.num_parameters:,}"])
        return "\n".join([str(self.analysis), "", *aligned(rows, "lrrr", [0, 11, 9, 11])])

    def to_json(self) -> Mapping[str, Any]:
        """Everything, with null where a number is not finite."""
        probes = {
            name: {
                "accuracy": found.val_accuracy,
                "balanced_accuracy": found.balanced_accuracy,
                "parameters": found.num_parameters,
            }
            for name, found in self.probes.items()
        }
        return {**self.analysis.to_json(), "probes": probes}


def held_out(train: FeatureTable, test: FeatureTable, file: Path) -> FeatureTable:
    """The held-out features, their labels numbered as those of the features to learn from.

    Raises:
        ValueError: If one has no labels, one has words and the other numbers, dimensions differ, or a class is new.
    """
    if train.labels is None or test.labels is None:
        raise ValueError(f"test: expected labels in both files, got none in {'FILE' if train.labels is None else file}")
    if train.values.shape[1] != test.values.shape[1]:
        raise ValueError(f"test: expected {train.values.shape[1]} dimensions as in FILE, got {test.values.shape[1]}")
    if bool(train.classes) != bool(test.classes):
        raise ValueError("test: expected labels of one kind, got words in one file and numbers in the other")
    names = test.classes or tuple(map(str, torch.unique(test.labels).tolist()))
    known = train.classes or tuple(map(str, torch.unique(train.labels).tolist()))
    if new := [name for name in names if name not in known]:
        raise ValueError(f"test: expected classes of FILE, got others, such as {new[0]!r}")
    if not test.classes:
        return test
    numbers = torch.tensor([known.index(name) for name in names])
    return test._replace(labels=numbers[test.labels], classes=known)
