"""CLID among checkpoints, on parts whose sum is known."""

import math

import pytest

from csl.study.clid import CLID, with_clid
from csl.study.sweep import Swept
from csl.study.verdict import verdicts
from tests.study.test_verdict import KNN, swept


def run_of(name: str, learnability: list[float], dimension: list[float]) -> Swept:
    accuracies = [0.1 * at for at in range(len(dimension))]
    columns = {"val__cluster_learnability": learnability, "val__intrinsic_dimension": dimension}
    return swept(name, **columns, val__knn_accuracy=accuracies)


def scores(run: Swept) -> list[float]:
    return [row.values[CLID] for row in run.rows]


def test_each_part_is_scaled_to_its_range_over_all_runs() -> None:
    first, second = with_clid([run_of("a", [0.4, 0.6], [10.0, 6.0]), run_of("b", [0.9, 0.5], [2.0, 4.0])])
    assert scores(first) == pytest.approx([0.0 + 1.0, 0.4 + 0.5])
    assert scores(second) == pytest.approx([1.0 + 0.0, 0.2 + 0.25])


def test_a_part_that_does_not_vary_decides_nothing() -> None:
    (run,) = with_clid([run_of("a", [0.5, 0.5, 0.5], [1.0, 3.0, 2.0])])
    assert scores(run) == pytest.approx([0.0, 1.0, 0.5])


def test_what_is_undefined_stays_so_and_one_checkpoint_has_none() -> None:
    nan = float("nan")
    (run,) = with_clid([run_of("a", [0.2, nan, 0.4], [1.0, 2.0, 3.0])])
    assert (scores(run)[0], scores(run)[2]) == (0.0, 2.0)
    assert math.isnan(scores(run)[1])
    for runs in ([run_of("a", [0.2], [1.0])], [run_of("a", [nan, nan], [1.0, 2.0])], [swept(val__rankme=[1.0, 2.0])]):
        assert all(CLID not in row.values for row in with_clid(runs)[0].rows)


def test_it_chooses_the_epoch_where_it_is_highest() -> None:
    found = {one.measure: one for one in verdicts(with_clid([run_of("a", [0.1, 0.9, 0.5], [1.0, 3.0, 2.0])]))}
    assert found[CLID].picks == (2,)
    assert found[CLID].regrets[KNN] == pytest.approx(0.1)
