import json
from pathlib import Path

import numpy as np
import pytest
import torch

from csl.io import save_features
from csl.types import Features
from tests.commands.runs import csl, failure
from tests.metrics.reference import data


def test_files_of_features_side_by_side(tmp_path: Path) -> None:
    features, labels = data(60)
    save_features(tmp_path / "a.npz", Features(features, labels, torch.arange(60)))
    save_features(tmp_path / "b.npz", Features(features.flip(1), labels, torch.arange(60)))
    words = ["--perplexities", "9", "--output", "out", "--parquet", "out/map.parquet", "--json", "-"]
    found = json.loads(csl(tmp_path, "map", "a.npz", "b.npz", *words))
    assert [(row["encoder"], row["map"]) for row in found["trust"]] == [
        (name, way) for way in ("t-SNE, perplexity 9", "PCA") for name in ("a.npz", "b.npz")
    ]
    assert found["subjects"] == ["a.npz", "b.npz"]
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    tables = [f"{table}.{suffix}" for table in ("points", "trust") for suffix in ("csv", "json", "md")]
    assert names == sorted(["index.html", "map.parquet", "map.png", "map.svg", *tables])


def test_what_is_wrong_names_the_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("csl.study.layouts.find_spec", lambda name: None)
    np.save(tmp_path / "rows.npy", np.random.default_rng(0).normal(size=(20, 3)))
    message = failure(tmp_path, "map", "rows.npy", "--perplexities", "20")[1]
    assert "--perplexities: expected more than 1 and less than the 20 samples of the map, got 20" in message
    assert "pip install umap-learn" in failure(tmp_path, "map", "rows.npy", "--projections", "umap")[1]
    assert "gone.npz: no such run, checkpoint or file of features\n" in failure(tmp_path, "map", "gone.npz")[1]
    (tmp_path / "lightning_logs" / "simclr-folder").mkdir(parents=True)
    misspelt = Path("lightning_logs") / "simclr-foldr" / "version_0"
    assert (
        f"did you mean {Path('lightning_logs') / 'simclr-folder' / 'version_0'}?"
        in (failure(tmp_path, "map", str(misspelt))[1])
    )
    assert failure(tmp_path, "map", "rows.npy", "--projections", "mds")[0] == 2
    assert "uvx embedding-atlas map.parquet" in csl(tmp_path, "map", "--help")
