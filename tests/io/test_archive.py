import errno
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from csl.io import load_features, read_arrays, replacing, save_features
from csl.types import Features

ROWS = Features(torch.randn(5, 3), torch.arange(5), torch.arange(5).flip(0))


@pytest.mark.parametrize("ending", [".npz", ".safetensors", ".parquet"])
def test_what_is_written_is_read_back(tmp_path: Path, ending: str) -> None:
    names, class_names = [f"dog/{i}, é.png" for i in range(5)], ["ant", "bee"]
    path = save_features(tmp_path / "new" / f"rows{ending}", ROWS, names, class_names)
    read = load_features(path)
    assert all(torch.equal(a, b) for a, b in zip(read, ROWS, strict=True))
    arrays = read_arrays(path)
    assert [list(arrays[key]) for key in ("names", "class_names")] == [names, class_names]
    assert set(read_arrays(save_features(path, ROWS))) == {"features", "labels", "index"}


class Malicious:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.target),)


def test_a_pickle_in_an_archive_is_not_executed(tmp_path: Path) -> None:
    path, target = tmp_path / "evil.npz", tmp_path / "owned"
    np.savez(path, features=np.array([Malicious(target)], dtype=object), labels=np.zeros(1), index=np.zeros(1))
    with pytest.raises(ValueError, match="pickle"):
        load_features(path)
    assert not target.exists()


def test_a_pickle_that_calls_itself_an_archive_is_not_executed(tmp_path: Path) -> None:
    path, target = tmp_path / "evil.npz", tmp_path / "owned"
    path.write_bytes(pickle.dumps(Malicious(target)))
    with pytest.raises(ValueError, match=r"evil\.npz: contains pickled objects instead of arrays"):
        load_features(path)
    assert not target.exists()


@pytest.mark.parametrize("size", [0, 10, 300])
def test_a_truncated_file_is_named(tmp_path: Path, size: int) -> None:
    path = save_features(tmp_path / "rows.npz", ROWS)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ValueError, match=r"rows\.npz: not a readable \.npz file"):
        load_features(path)


def test_a_flipped_bit_is_found(tmp_path: Path) -> None:
    path = save_features(tmp_path / "rows.npz", ROWS)
    content = bytearray(path.read_bytes())
    content[content.index(ROWS.values.numpy().tobytes()) + 5] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"rows\.npz: not a readable \.npz file \(BadZipFile"):
        load_features(path)


def test_names_in_an_archive_lead_nowhere(tmp_path: Path) -> None:
    path = save_features(tmp_path / "in" / "rows.npz", ROWS)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../escaped.npy", b"somewhere else")
    assert torch.equal(load_features(path).values, ROWS.values)
    assert sorted(file.name for file in tmp_path.rglob("*")) == ["in", "rows.npz"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"features": np.zeros(5)}, r"expected features as floats \[N, D\], got features \[5\] float64"),
        ({"features": np.zeros((5, 3), dtype=np.int64)}, "expected features as floats"),
        ({"labels": np.zeros(4, dtype=np.int64)}, r"expected labels as int64 \[5\], got labels \[4\] int64"),
        ({"index": np.zeros(5)}, r"expected index as int64 \[5\], got index \[5\] float64"),
    ],
)
def test_arrays_that_do_not_fit_are_named(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    arrays = dict(zip(("features", "labels", "index"), (tensor.numpy() for tensor in ROWS), strict=True))
    np.savez(tmp_path / "rows.npz", **(arrays | change))
    with pytest.raises(ValueError, match=words):
        load_features(tmp_path / "rows.npz")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.npz: no such file"):
        load_features(tmp_path / "none.npz")


def full_disk(descriptor: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_leaves_the_earlier_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_features(tmp_path / "rows.npz", ROWS)
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match=r"cannot write .*rows\.npz: No space left on device; what was there before is"):
        save_features(path, Features(torch.zeros(1, 1), torch.zeros(1).long(), torch.zeros(1).long()))
    assert torch.equal(load_features(path).values, ROWS.values)
    assert os.listdir(tmp_path) == ["rows.npz"]


def test_a_killed_write_leaves_what_the_next_one_overwrites(tmp_path: Path) -> None:
    def stopped() -> None:
        with replacing(tmp_path / "note.txt") as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert os.listdir(tmp_path) == []
    (tmp_path / ".note.txt.partial").write_bytes(b"left by SIGKILL, and longer than what comes")
    with replacing(tmp_path / "note.txt") as file:
        file.write(b"whole")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"whole"]


def test_a_wrong_name_and_a_missing_array_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"path: expected a file name that ends in \.npz"):
        save_features(tmp_path / "rows.csv", ROWS)
    np.savez(tmp_path / "rows.npz", features=np.zeros((2, 2)))
    with pytest.raises(ValueError, match="missing index, labels"):
        load_features(tmp_path / "rows.npz")
