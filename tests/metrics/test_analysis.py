import dataclasses
import json
import math
import subprocess
import sys
import time
from typing import cast

import numpy as np
import pytest
import torch

from csl.metrics import analyze, functional
from csl.metrics.forecast import costs
from csl.metrics.measure import Choices, Family, Size
from csl.metrics.measures import DEFAULT, MEASURES
from tests.metrics.panel import PANEL
from tests.metrics.reference import data
from tests.pairwise.hard_data import ordinary

CHOICES = Choices((1.0, 0.1), (1, 5))


@pytest.fixture(scope="module")
def whole() -> tuple[torch.Tensor, torch.Tensor]:
    """Wide enough for the eigenvalues that alpha-ReQ looks at."""
    return ordinary(150, 20) + torch.eye(20)[torch.arange(150) % 5], torch.arange(150) % 5


def test_every_measure_gives_what_its_function_gives(whole: tuple[torch.Tensor, torch.Tensor]) -> None:
    features, labels = whole
    result = analyze(features, labels, metrics=list(MEASURES), normalize=False, temperatures=[1.0, 0.1], ks=[1, 5])
    assert list(result.seconds) == list(MEASURES)
    assert not result.notes
    density = float(functional.relative_local_density(features, labels, 0.1))
    assert result["rld_0.1"] == pytest.approx(density, abs=1e-7)
    assert result["neighbor_agreement_5"] == float(functional.neighbor_agreement(features, labels, 5))
    trace = float(functional.class_affinity(features, labels, 0.1).trace())
    assert result["within_class_affinity_0.1"] == pytest.approx(trace, rel=1e-14)  # added up in another order
    assert result["kmeans_ari"] == float(functional.kmeans_agreement(features, labels)[1])
    assert result["uniformity"] == float(functional.uniformity(features))
    assert all(math.isfinite(value) for value in result.values())


def test_features_have_length_1_unless_they_are_to_be_as_they_are(whole: tuple[torch.Tensor, torch.Tensor]) -> None:
    """The protocol of the paper, said in the first line and in the JSON."""
    features, labels = whole
    unit = torch.nn.functional.normalize(features)
    raw, ours = analyze(features, labels, normalize=False), analyze(features, labels)
    assert ours == pytest.approx(dict(analyze(unit, labels, normalize=False)), rel=1e-5)
    assert ours["calinski_harabasz"] == pytest.approx(float(functional.calinski_harabasz_score(unit, labels)))
    assert abs(ours["calinski_harabasz"] - raw["calinski_harabasz"]) > 0.01
    assert (ours.to_json()["normalize"], raw.to_json()["normalize"]) == (True, False)
    assert "; features as they are" in str(raw)


@pytest.mark.parametrize("name", MEASURES)
def test_names_are_those_of_a_training_log(name: str) -> None:
    """Asked for the options of the class, a panel has its names."""
    entry = PANEL[name]
    asked = entry.measure.panel(CHOICES)[-1]
    shell = type(entry.shell())(**asked)
    assert entry.measure.scalar_names(**asked) == shell.names
    assert shell.higher_is_better == entry.measure.higher_is_better


def test_numpy_integers_and_lists_are_taken() -> None:
    rows = (10 * ordinary(40, 3)).round()
    expected = pytest.approx(dict(analyze(rows, torch.arange(40) % 2, metrics=["rld"])), rel=1e-5, abs=1e-6)
    assert dict(analyze(rows.numpy().astype(np.int32), np.arange(40) % 2, metrics=["rld"])) == expected
    assert dict(analyze(rows.tolist(), (torch.arange(40) % 2).tolist(), metrics=["rld"])) == expected


def test_without_labels_only_what_needs_none_is_measured() -> None:
    result = analyze(ordinary(60))
    assert list(result.seconds) == [name for name in DEFAULT if not MEASURES[name].labeled]
    assert "Without labels, only what needs none was measured." in result.notes
    assert "no labels" in str(result)
    with pytest.raises(ValueError, match="metrics: expected measures that need no labels, for there are none, got rld"):
        analyze(ordinary(60), metrics=["rankme", "rld"])


def test_what_is_undefined_is_nan_with_the_reason_below_the_table() -> None:
    result = analyze(torch.ones(30, 4), torch.arange(30) % 3)
    assert math.isnan(result["rld_0.1"])
    assert any(note.startswith("relative local density is NaN: the features have collapsed") for note in result.notes)
    assert str(result).splitlines()[-1] == result.notes[-1]
    values = json.loads(json.dumps(result.to_json(), allow_nan=False))["values"]
    assert values["rld_0.1"] is None
    assert values["feature_std"] == 0


def test_the_table_has_a_row_a_value_under_the_heading_of_its_family(whole: tuple[torch.Tensor, torch.Tensor]) -> None:
    result = analyze(*whole)
    lines = str(result).splitlines()
    assert lines[0] == "150 samples of 20 dimensions, 5 classes; features normalised to length 1"
    headings = [line.split("  ")[0] for line in lines[1:] if line and not line.startswith("  ")]
    assert headings.pop() == "Seconds of shared work stand where it was first needed."
    assert headings == ["Global density", "Local density", "Clusters", "Without labels"]
    cells = {line.split()[0]: float(line.split()[1].replace(",", "")) for line in lines if line.startswith("  ")}
    assert cells == pytest.approx(dict(result), abs=1e-4)


def test_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="metrics: expected some of alignment, calinski_harabasz,"):
        analyze(*data(), metrics=["rdl"])
    with pytest.raises(ValueError, match="ks: expected a positive number, got 0"):
        analyze(*data(), ks=[0])
    with pytest.raises(ValueError, match="temperature: expected a positive number, got -1"):
        analyze(*data(), temperatures=[-1])
    with pytest.raises(ValueError, match=r"features: expected a matrix \[N, D\]"):
        analyze(torch.zeros(3))
    with pytest.raises(ValueError, match="NaN or infinity in 1 of 2 rows"):
        analyze([[1.0], [math.nan]], [0, 1])
    with pytest.raises(ValueError, match=r"features: expected floating point, got torch\.complex64"):
        analyze(torch.ones(4, 2, dtype=torch.complex64))


class Late:
    """A value as of a GPU, which is waited for where its entries are asked for."""

    def reshape(self, size: int) -> "list[Late]":
        return [self]

    def __float__(self) -> float:
        time.sleep(0.05)
        return 1.0


def test_the_time_of_a_measure_ends_when_its_value_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    late = dataclasses.replace(MEASURES["rankme"], score=lambda _: cast(torch.Tensor, Late()))
    monkeypatch.setitem(MEASURES, "rankme", late)
    assert analyze(ordinary(10), metrics=["rankme"]).seconds["rankme"] >= 0.05


def test_no_samples_have_no_value() -> None:
    result = analyze(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64), metrics=list(MEASURES))
    assert all(math.isnan(value) for value in result.values())


def test_progress_rises_from_0_to_1_over_all_measures() -> None:
    seen: list[tuple[str, float]] = []
    analyze(*data(150), watch=lambda name, share: seen.append((name, share)))
    shares = [share for _, share in seen]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert shares[-1] == pytest.approx(1)
    assert {name for name, _ in seen} == set(DEFAULT)


def test_what_is_more_to_measure_costs_more() -> None:
    small, large = Size(1000, 64, 10), Size(2000, 128, 10)
    for name, measure in MEASURES.items():
        assert 0 < 2 * measure.cost(small) < measure.cost(large), name


def test_the_panel_has_every_declared_measure_family_by_family() -> None:
    """Found beside the functions: nothing lists them."""
    functions = {measure.function for measure in MEASURES.values()}
    undeclared = {
        "classifier_collapse",
        "clid",
        "estimate_relative_local_density",
        "information_imbalance",
        "kmeans_clusters",
        "linear_cka",
        "mutual_neighbors",
        "neighbor_margin",
        "neighbor_purity",
        "procrustes_similarity",
        "relative_local_density_per_sample",
    }
    assert {name for name in functional.__all__ if getattr(functional, name) not in functions} == undeclared
    families = [measure.family for measure in MEASURES.values()]
    assert families == sorted(families, key=list(Family).index)
    assert all(measure.paper and measure.meaning for measure in MEASURES.values())


def test_an_analysis_loads_neither_torchmetrics_nor_lightning() -> None:
    line = (
        "import sys, torch; from csl.metrics import analyze; import csl.commands.analyze;"
        "analyze(torch.randn(20, 3), torch.arange(20) % 2, metrics=['rld', 'rankme']);"
        "sys.exit('torchmetrics' in sys.modules or 'lightning' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", line], check=False).returncode == 0


def test_the_time_is_told_before_anything_is_measured_and_grows_with_the_pairs() -> None:
    told: list[float] = []
    analyze(ordinary(), metrics=["uniformity"], expect=told.append, watch=lambda name, share: told.append(-share))
    assert told[0] > 0
    assert all(share <= 0 for share in told[1:])
    measures = [MEASURES[name] for name in ("rld", "neighbor_agreement", "knn_accuracy")]
    once, twice = (sum(costs(measures, Size(count, 512, 10))) for count in (10_000, 20_000))
    assert twice == pytest.approx(4 * once, rel=1e-6)
    assert once == pytest.approx(sum(costs(measures[:2], Size(10_000, 512, 10))), rel=1e-6), "one search serves both"
