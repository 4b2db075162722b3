from pathlib import Path

import pytest

from benchmarks import method_rows
from benchmarks.correlations import correlations, table
from benchmarks.method_rows import Experiment, Row

# Two seeds of the first method: its mean is what counts.
ROWS = [
    Row("A", 0, {"val/knn_accuracy": 0.4, "val/linear_accuracy": 0.9, "val/rld_0.1": 0.1, "val/rankme": 5.0}),
    Row("A", 1, {"val/knn_accuracy": 0.8, "val/linear_accuracy": 0.9, "val/rld_0.1": 0.1, "val/rankme": 5.0}),
    *(
        Row(
            f"B{place}", 0, {"val/knn_accuracy": 0.7 + place / 100, "val/linear_accuracy": -place, "val/rld_0.1": place}
        )
        for place in range(1, 6)
    ),
    Row("raw pixels", 0, {"val/knn_accuracy": 1.0}),
]


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[Row]]:
    """Those above as an experiment gives them, without the pixels."""
    monkeypatch.setattr(method_rows, "RESULTS", tmp_path)
    made = Experiment(Path("configs/mnist"))
    for row in ROWS:
        made._keep(row)
    assert len(made.by_name()["raw pixels"]) == 1
    return list(made.by_name(without=["raw pixels"]).values())


def test_each_method_counts_once_with_the_mean_over_its_seeds(rows: list[list[Row]]) -> None:
    assert [len(one) for one in rows] == [2, 1, 1, 1, 1, 1]
    found = correlations(rows, {"RLD": "val/rld_0.1"}, {"kNN": "val/knn_accuracy", "linear": "val/linear_accuracy"})
    assert found["RLD"][0].startswith("+1.00")
    assert found["RLD"][1].startswith("-1.00")


def test_a_difference_of_two_scalars_is_a_target(rows: list[list[Row]]) -> None:
    difference = {"difference": ("val/linear_accuracy", "val/knn_accuracy")}
    assert correlations(rows, {"RLD": "val/rld_0.1"}, difference)["RLD"][0].startswith("-1.00")


def test_a_measure_that_some_method_lacks_is_left_out(rows: list[list[Row]]) -> None:
    text = table({"mnist": rows})
    assert "mnist, kNN (6)" in text
    assert "| RankMe |  |  |" in text
    assert not correlations(rows, {"RankMe": "val/rankme"}, {"kNN": "val/knn_accuracy"})
