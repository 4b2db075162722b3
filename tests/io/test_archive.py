from pathlib import Path

import numpy as np
import pytest
import torch

from csl.io import load_features, save_features
from csl.types import Features

ROWS = Features(torch.randn(5, 3), torch.arange(5), torch.arange(5).flip(0))


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    read = load_features(save_features(tmp_path / "new" / "rows.npz", ROWS))
    assert all(torch.equal(a, b) for a, b in zip(read, ROWS, strict=True))


def test_a_pickle_in_an_archive_is_not_executed(tmp_path: Path) -> None:
    path = tmp_path / "evil.npz"
    objects = np.array([{"any": "object"}], dtype=object)
    np.savez(path, features=objects, labels=np.zeros(1), index=np.zeros(1))
    with pytest.raises(ValueError, match="pickle"):
        load_features(path)


def test_a_wrong_name_and_a_missing_array_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"path: expected a file name that ends in \.npz"):
        save_features(tmp_path / "rows.csv", ROWS)
    np.savez(tmp_path / "rows.npz", features=np.zeros((2, 2)))
    with pytest.raises(ValueError, match="missing index, labels"):
        load_features(tmp_path / "rows.npz")
