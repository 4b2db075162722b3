"""What a sweep says: of epochs where runs kept several, of runs where each has one."""

from pathlib import Path

import pytest

from csl.study.rows import Row
from csl.study.sweep import Swept
from csl.study.sweep_report import sweep_report

RANKS = (3.0, 9.0, 6.0, 1.0, 5.0)
KNN = (0.5, 0.8, 0.7, 0.3, 0.6)


def row(epoch: int, rank: float, knn: float) -> Row:
    return Row(f"epoch_{epoch}.ckpt", epoch, epoch, {"val/rankme": rank, "val/knn_accuracy": knn}, 0.0)


def singles(count: int) -> list[Swept]:
    """Runs of one checkpoint each, which RankMe ranks as kNN does but for two."""
    parts = list(zip(RANKS, KNN, strict=True))[:count]
    return [Swept(f"run{number}", Path(), [row(60, *part)]) for number, part in enumerate(parts)]


def test_several_checkpoints_choose_an_epoch() -> None:
    rows = [row(at, *part) for at, part in enumerate(zip(RANKS, KNN, strict=True), start=1)]
    found = sweep_report([Swept("run", Path(), rows)])
    assert "Which epoch to take" in found.text
    assert "kNN lost" in found.text
    assert set(found.figures) == {"sweep", "correlations"}
    assert found.tables["choices"].records()[0]["epoch"] == "2"


def test_runs_of_one_checkpoint_are_ranked() -> None:
    found = sweep_report(singles(5))
    assert "Which run to take" in found.text
    assert "lost" not in found.text
    assert "holds one checkpoint" not in found.text
    assert set(found.figures) == {"correlations"}
    (choice,) = found.tables["choices"].records()
    assert (choice["measure"], choice["epoch"]) == ("val/rankme", "-")
    assert choice["Spearman kNN"] == pytest.approx(1.0)
    assert choice["kNN lost"] is None


def test_too_few_runs_of_one_checkpoint_say_how_to_keep_more() -> None:
    found = sweep_report(singles(3))
    assert [f"run{number} holds one checkpoint" in found.text for number in range(3)] == [True] * 3
    assert "Which run" not in found.text
    assert not found.figures
    assert found.tables["choices"].records() == []
