import json
from pathlib import Path

import numpy as np
import torch

from csl.io import save_features
from csl.types import Features
from tests.commands.runs import csl, failure
from tests.metrics.reference import data


def test_two_files_of_features(tmp_path: Path) -> None:
    features, labels = data(60)
    save_features(tmp_path / "a.npz", Features(features, labels, torch.arange(60)))
    save_features(tmp_path / "b.npz", Features(features.flip(0), labels, torch.arange(60)))
    words = ["--pairs", "3", "--samples", "5", "--output", "out", "--json", "-"]
    found = json.loads(csl(tmp_path, "neighbors", "a.npz", "b.npz", *words))
    assert set(found["agreement"][0]) == {"k", "a.npz", "b.npz", "classes all apart"}
    assert [row["rank"] for row in found["neighbors"]] == list(range(1, 11))
    assert (len(found["pairs"]), len(found["scores"])) == (3, 60)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"agreement.png", "agreement.svg", "scores.csv", "pairs.json", "neighbors.md"} <= names
    assert "Labels that the 20 nearest doubt most" in csl(tmp_path, "neighbors", "a.npz")


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.random.default_rng(0).normal(size=(20, 3)))
    assert "rows.npy: expected labels" in failure(tmp_path, "neighbors", "rows.npy")[1]
    np.save(tmp_path / "labels.npy", np.arange(20) % 2)
    words = ["neighbors", "rows.npy", "--labels", "labels.npy"]
    assert "--samples: expected numbers from 0 to 19, got 99" in failure(tmp_path, *words, "--samples", "99")[1]
    assert "--pairs: expected a positive number, got 0" in failure(tmp_path, *words, "--pairs", "0")[1]
