import json
from pathlib import Path

import numpy as np
import pytest
import torch

from csl.metrics.functional import estimate_relative_local_density, relative_local_density
from tests.commands.runs import csl, failure
from tests.metrics.reference import data

X, Y = data(400)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.savez(tmp_path / "features.npz", features=X.numpy(), labels=Y.numpy())
    np.save(tmp_path / "bare.npy", X.numpy())
    return tmp_path


@pytest.mark.parametrize("normalize", ["true", "false"])
def test_gives_what_the_function_gives_and_what_was_drawn(folder: Path, normalize: str) -> None:
    words = "analyze features.npz --estimate 200 --temperatures 0.5 0.1 --json -"
    content = json.loads(csl(folder, *words.split(), "--normalize", normalize))
    rows = torch.nn.functional.normalize(X) if normalize == "true" else X
    expected = estimate_relative_local_density(rows, Y, [0.5, 0.1], samples=20)
    low, high = expected.interval()
    for place, name in enumerate(("rld_0.5", "rld_0.1")):
        found = content["estimates"][name]
        assert found["value"] == pytest.approx(float(expected.value[place]), abs=1e-5)
        assert found["standard_error"] == pytest.approx(float(expected.standard_error[place]), abs=1e-5)
        assert (found["low"], found["high"]) == pytest.approx((float(low[place]), float(high[place])), abs=1e-4)
    assert (content["rows"], content["repeats"], content["pairs"]) == (200, 10, 200 * 399)
    assert (content["samples"], content["dimension"], content["normalize"]) == (400, 8, normalize == "true")
    assert content["seconds"] > 0


def test_the_table_says_what_was_drawn_and_holds_the_exact_value(folder: Path) -> None:
    lines = csl(folder, "analyze", "features.npz", "--estimate", "100", "--temperatures", "0.2").splitlines()
    assert lines[0] == "400 samples of 8 dimensions; features normalised to length 1"
    assert lines[1].startswith("100 rows drawn in 10 repeats, each with all other rows: 39,900 pairs, ")
    assert lines[3].split() == ["Estimate", "value", "standard", "error", "95", "%", "from", "to"]
    value, error, low, high = map(float, lines[4].split()[1:])
    exact = float(relative_local_density(torch.nn.functional.normalize(X), Y, 0.2))
    assert low < value < high
    assert abs(value - exact) < 4 * error


def test_says_where_the_exact_value_takes_less_time(folder: Path) -> None:
    advice = "The exact value takes less time here: leave --estimate out."
    assert advice in csl(folder, "analyze", "features.npz", "--estimate", "400")
    assert advice not in csl(folder, "analyze", "features.npz", "--estimate", "20", "--temperatures", "0.2")


def test_collapsed_features_have_no_value_and_a_reason(folder: Path) -> None:
    np.savez(folder / "ones.npz", features=np.ones((30, 4), np.float32), labels=np.arange(30) % 3)
    content = json.loads(csl(folder, "analyze", "ones.npz", "--estimate", "10", "--json", "-"))
    assert set(content["estimates"]["rld_0.1"].values()) == {None}
    assert content["rows"] == 0
    assert "the features have collapsed" in content["notes"][0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["bare.npy"], "--estimate: expected labels in FILE, got none; --labels takes them from another file"),
        (["features.npz", "--metrics", "rld"], "--metrics: expected no --estimate, which gives relative local density"),
        (["features.npz", "--test", "features.npz"], "--test: expected no --estimate"),
        (["features.npz", "--per-sample", "scores.csv"], "--per-sample: expected no --estimate"),
        (["features.npz", "features.npz"], "--estimate: expected one file, got two, which are only compared"),
        (["features.npz", "--estimate", "9"], "--estimate: expected 10 rows or more, one for each repeat, got 9"),
        (["features.npz", "--temperatures", "-1"], "temperature: expected a positive number, got -1"),
    ],
)
def test_refuses_what_does_not_go_with_it(folder: Path, words: list[str], message: str) -> None:
    code, error = failure(folder, "analyze", "--estimate", "50", *words)
    assert code == 1
    assert message in error
