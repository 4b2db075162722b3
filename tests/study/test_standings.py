"""The table of a comparison: means, spreads, and a best that is only marked where the intervals allow it."""

import math
from pathlib import Path

import pytest
import torch

from csl.study.changes import kept_neighbors
from csl.study.entries import Entry
from csl.study.rows import Row
from csl.study.standings import standings
from csl.study.subjects import Encoded, Subject


def entry(group: str, values: dict[str, float], features: torch.Tensor | None = None, images: int = 400) -> Entry:
    rows = torch.eye(2).repeat(images // 2, 1) if features is None else features
    val = Encoded(rows, torch.zeros(len(rows), dtype=torch.int64))
    return Entry(Subject(group, Path(group), 1, ("a",), val), group, [Row("last.ckpt", 1, 1, values, 0.0)])


def knn(group: str, *accuracies: float, images: int = 400) -> list[Entry]:
    return [entry(group, {"val/knn_accuracy": value}, images=images) for value in accuracies]


def test_mean_spread_and_students_interval_over_seeds() -> None:
    found = standings(knn("a", 0.90, 0.92, 0.94))["a"]["kNN"]
    assert found.mean == pytest.approx(0.92)
    assert found.spread == pytest.approx(0.02)
    assert found.error == pytest.approx(4.302653 * 0.02 / math.sqrt(3))  # Student's t of 2 degrees of freedom


def test_a_group_is_best_only_where_its_interval_lies_above_all_others() -> None:
    clear = standings([*knn("a", 0.90, 0.901, 0.902), *knn("b", 0.95, 0.951, 0.952)])
    assert [clear[name]["kNN"].best for name in ("a", "b")] == [False, True]
    vague = standings([*knn("a", 0.90, 0.93), *knn("b", 0.92, 0.96)])
    assert not any(row["kNN"].best for row in vague.values())


def test_a_single_run_is_judged_by_the_chance_error_of_its_images() -> None:
    few, many = (standings([*knn("a", 0.90, images=n), *knn("b", 0.93, images=n)]) for n in (400, 40_000))
    assert not few["b"]["kNN"].best
    assert many["b"]["kNN"].best


def test_what_no_group_has_is_no_column_and_no_larger_density_is_best() -> None:
    found = standings([entry("a", {"val/rld_0.1": 0.2}), entry("b", {"val/rld_0.1": 0.9})])
    assert list(found["a"]) == ["RLD(0.1)"]
    assert not found["b"]["RLD(0.1)"].best


def test_neighbours_that_two_encoders_share() -> None:
    angles = torch.tensor([0.0, 0.1, 0.25, 2.0, 2.1, 2.25])
    first = torch.stack([angles.cos(), angles.sin()], dim=1)
    second = first[[0, 3, 2, 1, 4, 5]]  # images 1 and 3 change places
    kept = kept_neighbors(entry("a", {}, first), entry("b", {}, second), k=2)
    assert kept.tolist() == [0.5, 0.0, 0.5, 0.0, 0.5, 0.5]
