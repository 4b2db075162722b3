"""Which epoch a measure would choose, on numbers whose answer is known."""

import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from csl.study.rows import Row
from csl.study.sweep import Swept
from csl.study.verdict import Verdict, goodness, label_free, spearman, verdicts

KNN = "val/knn_accuracy"


def swept(name: str = "run", **columns: list[float]) -> Swept:
    """A run of as many epochs, 1 and up, as the columns have numbers; `__` in a name stands for a slash."""
    named = {column.replace("__", "/"): values for column, values in columns.items()}
    count = len(next(iter(columns.values())))
    rows = [
        Row(f"epoch_{at + 1}.ckpt", at + 1, at + 1, {key: values[at] for key, values in named.items()}, 0.0)
        for at in range(count)
    ]
    return Swept(name, Path(), rows)


def verdict_of(name: str, *runs: Swept) -> Verdict:
    return next(one for one in verdicts(runs) if one.measure == name)


def test_the_best_value_is_chosen_in_the_direction_that_the_measure_states() -> None:
    run = swept(
        val__rankme=[3.0, 9.0, 6.0],
        val__uniformity=[-1.0, -2.0, -3.0],
        val__loss=[2.0, 1.0, 3.0],
        val__alpha_req=[0.2, 2.0, 1.1],
        val__intrinsic_dimension=[1.0, 5.0, 9.0],
        val__knn_accuracy=[0.5, 0.7, 0.9],
    )
    picks = {one.measure: one.picks[0] for one in verdicts([run])}
    # Nobody states whether a high intrinsic dimension is good, so it chooses nothing.
    assert picks == {
        "val/loss": 2,
        "val/alpha_req": 3,
        "val/intrinsic_dimension": None,
        "val/rankme": 2,
        "val/uniformity": 3,
    }
    assert verdict_of("val/rankme", run).regrets[KNN] == pytest.approx(0.2)
    assert verdict_of("val/uniformity", run).regrets[KNN] == 0
    assert math.isnan(verdict_of("val/intrinsic_dimension", run).regrets[KNN])


def test_several_runs_choose_for_themselves_and_share_a_mean_regret() -> None:
    first = swept(val__rankme=[1.0, 2.0, 3.0], val__knn_accuracy=[0.9, 0.5, 0.8])
    second = swept(val__rankme=[3.0, 2.0, 1.0], val__knn_accuracy=[0.5, 0.6, 0.9])
    found = verdict_of("val/rankme", first, second)
    assert found.picks == (3, 1)
    assert found.regrets[KNN] == pytest.approx((0.1 + 0.4) / 2)


def test_correlations_are_scipys_and_turned_to_the_good_end() -> None:
    generator = np.random.default_rng(0)
    loss, knn = generator.normal(size=12), generator.normal(size=12).round(1)
    run = swept(val__loss=loss.tolist(), val__knn_accuracy=knn.tolist())
    found = verdict_of("val/loss", run).correlations[KNN]
    assert found.value == pytest.approx(spearmanr(-loss, knn).statistic)
    assert found.low < found.value < found.high


def test_an_interval_covers_what_repeated_samples_do() -> None:
    """Of samples of a population of correlation r, about 95 % of the intervals hold its rank correlation."""
    generator, covered = np.random.default_rng(1), 0
    for _ in range(120):
        x = generator.normal(size=40)
        y = 0.6 * x + 0.8 * generator.normal(size=40)
        found = spearman(x, y, np.zeros(40, dtype=int), draws=400)
        covered += found.low <= 6 / np.pi * np.arcsin(0.6 / 2) <= found.high
    assert 0.87 <= covered / 120 <= 0.99


def test_undefined_values_are_left_out() -> None:
    nan = float("nan")
    run = swept(val__rankme=[1.0, nan, 3.0, 4.0, 5.0], val__knn_accuracy=[0.1, 0.9, 0.3, 0.4, 0.5])
    found = verdict_of("val/rankme", run)
    assert found.picks == (5,)
    assert found.correlations[KNN].value == pytest.approx(1.0)
    none = verdict_of("val/rankme", swept(val__rankme=[nan, nan], val__knn_accuracy=[0.1, 0.2]))
    assert none.picks == (None,)
    assert math.isnan(none.correlations[KNN].value)


def test_few_checkpoints_have_no_interval_and_a_constant_no_correlation() -> None:
    few = verdict_of("val/rankme", swept(val__rankme=[1.0, 2.0], val__knn_accuracy=[0.1, 0.2])).correlations[KNN]
    assert few.value == 1.0
    assert math.isnan(few.low)
    flat = verdict_of("val/rankme", swept(val__rankme=[2.0] * 6, val__knn_accuracy=[0.1] * 5 + [0.2])).correlations[KNN]
    assert math.isnan(flat.value)


def test_what_needs_labels_is_no_candidate() -> None:
    run = swept(
        val__rld_0=[1.0], val__calinski_harabasz=[1.0], val__rankme=[1.0], train__loss=[1.0], train__lidar=[1.0]
    )
    assert label_free([run]) == ["train/loss", "train/lidar", "val/rankme"]
    assert goodness("train/loss", run).tolist() == [-1.0]


def test_runs_of_one_checkpoint_are_ranked_with_each_other_and_choose_no_epoch() -> None:
    """Their interval comes from runs drawn with replacement, which is what repeated samples of runs would do."""
    generator = np.random.default_rng(2)
    rank, knn = generator.normal(size=15), generator.normal(size=15)
    runs = [
        swept(f"run{at}", val__rankme=[a], val__knn_accuracy=[b])
        for at, (a, b) in enumerate(zip(rank, knn, strict=True))
    ]
    found = verdict_of("val/rankme", *runs)
    assert found.picks == (None,) * 15
    assert math.isnan(found.regrets[KNN])
    assert found.correlations[KNN] == spearman(rank, knn, np.zeros(15, dtype=int))
    assert found.correlations[KNN].low < found.correlations[KNN].value < found.correlations[KNN].high


def test_a_single_checkpoint_is_not_drawn_in_place_of_those_of_a_run() -> None:
    """One of two groups: the run of five is drawn within itself, the single one is always there."""
    run = swept(val__rankme=[1.0, 2.0, 3.0, 4.0, 5.0], val__knn_accuracy=[0.1, 0.3, 0.2, 0.5, 0.4])
    single = swept("single", val__rankme=[9.0], val__knn_accuracy=[0.0])
    found = verdict_of("val/rankme", run, single)
    assert found.picks == (5, None)
    assert found.regrets[KNN] == pytest.approx(0.1)
    first, second = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 9.0]), np.array([0.1, 0.3, 0.2, 0.5, 0.4, 0.0])
    assert found.correlations[KNN] == spearman(first, second, np.array([0, 0, 0, 0, 0, 1]))
