import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from csl.io import save_features
from csl.metrics import analyze, similarity
from csl.metrics.functional import neighbor_margin, neighbor_purity
from csl.types import Features
from tests.commands.runs import csl, failure
from tests.metrics.reference import data

X, Y = data(60)
NAMES = [f"images/{row}.png" for row in range(60)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_features(tmp_path / "one.npz", Features(X, Y, torch.arange(60)), NAMES)
    save_features(tmp_path / "two.npz", Features(X[:, :3].clone(), Y, torch.arange(60)), NAMES)
    np.save(tmp_path / "bare.npy", X.flip(1).numpy())
    return tmp_path


def test_two_files_give_the_table_that_python_gives(folder: Path) -> None:
    assert csl(folder, "analyze", "one.npz", "two.npz", "--ks", "5") == f"{similarity(X, X[:, :3], ks=[5])}\n"
    content = json.loads(csl(folder, "analyze", "one.npz", "two.npz", "--ks", "5", "9", "--json", "-"))
    assert content["values"] == pytest.approx(dict(similarity(X, X[:, :3], ks=[5, 9])))
    assert list(content["values"]) == [
        "linear_cka",
        "procrustes_similarity",
        "mutual_neighbors_5",
        "mutual_neighbors_9",
        "imbalance_first_to_second",
        "imbalance_second_to_first",
    ]
    assert (content["file"], content["other"], content["normalize"]) == ("one.npz", "two.npz", True)


def test_features_are_compared_with_length_1_unless_told_otherwise(folder: Path) -> None:
    words = ["analyze", "one.npz", "two.npz", "--normalize", "false", "--json", "-"]
    found = json.loads(csl(folder, *words))["values"]
    expected = similarity(X, X[:, :3], ks=(1, 10, 100), normalize=False)
    assert found == {name: None if np.isnan(value) else pytest.approx(value) for name, value in expected.items()}
    assert found["mutual_neighbors_100"] is None  # of 60 samples
    assert found["linear_cka"] != pytest.approx(similarity(X, X[:, :3])["linear_cka"], rel=1e-3)


def test_a_file_without_names_and_labels_is_compared_by_position(folder: Path) -> None:
    content = json.loads(csl(folder, "analyze", "one.npz", "bare.npy", "--ks", "5", "--json", "-"))
    assert content["values"]["linear_cka"] == pytest.approx(1)
    assert content["values"]["mutual_neighbors_5"] == pytest.approx(1, abs=0.02)


def test_files_of_other_images_are_refused(folder: Path) -> None:
    save_features(folder / "short.npz", Features(X[1:], Y[1:], torch.arange(59)))
    other = [*NAMES[:7], "elsewhere.png", "nowhere.png", *NAMES[9:]]
    save_features(folder / "named.npz", Features(X, Y, torch.arange(60)), other)
    wrong = Y.clone()
    wrong[4] += 1
    save_features(folder / "labelled.npz", Features(X, wrong, torch.arange(60)))
    same = "expected the same images in the same order as in FILE, but"
    for name, message in {
        "short": "short.npz: expected the same images, 60 rows as in FILE, got 59",
        "named": f"named.npz: {same} names differ in 2 of 60 rows, the first of them row 7: "
        "'images/7.png' and 'elsewhere.png'",
        "labelled": f"labelled.npz: {same} labels differ in 1 of 60 rows, the first of them row 4: "
        f"'{Y[4]}' and '{wrong[4]}'",
    }.items():
        code, error = failure(folder, "analyze", "one.npz", f"{name}.npz")[:2]
        assert code == 1
        assert message in error


@pytest.mark.parametrize("option", [["--test", "two.npz"], ["--metrics", "rld"], ["--per-sample", "s.csv"]])
def test_options_of_one_file_are_refused_for_two(folder: Path, option: list[str]) -> None:
    error = failure(folder, "analyze", "one.npz", "two.npz", *option)[1]
    assert f"{option[0]}: expected one file, got two, which are only compared" in error


def test_scores_of_each_sample_are_written_with_names_and_labels(folder: Path) -> None:
    words = ["--metrics", "rld", "--temperatures", "0.5", "0.1", "--ks", "3", "--per-sample", "scores.csv"]
    csl(folder, "analyze", "one.npz", *words)
    rows = list(csv.DictReader((folder / "scores.csv").read_text().splitlines()))
    assert [row["name"] for row in rows] == NAMES
    assert [int(row["label"]) for row in rows] == Y.tolist()
    assert [int(row["row"]) for row in rows] == list(range(60))
    expected = analyze(X, Y, metrics=["rld"], temperatures=[0.5, 0.1])
    for name in ("rld_0.5", "rld_0.1"):
        assert sum(float(row[name]) for row in rows) == pytest.approx(expected[name], abs=1e-7)
    assert [float(row["neighbor_purity_3"]) for row in rows] == neighbor_purity(X, Y, 3).tolist()
    assert [float(row["neighbor_margin"]) for row in rows] == pytest.approx(neighbor_margin(X, Y).tolist(), abs=1e-6)


def test_scores_need_labels(folder: Path) -> None:
    error = failure(folder, "analyze", "bare.npy", "--per-sample", "scores.csv")[1]
    assert "--per-sample: expected labels in FILE, got none; --labels takes them from another file" in error
    assert not (folder / "scores.csv").exists()


def test_the_help_page_teaches_both(folder: Path) -> None:
    page = " ".join(csl(folder, "analyze", "--help").split())
    assert "FILE [OTHER]" in page
    assert "csl analyze simclr.npz supervised.npz" in page
    assert "--per-sample" in page
