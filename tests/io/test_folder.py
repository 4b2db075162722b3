"""A folder of files that is read as one."""

from pathlib import Path

import numpy as np
import pytest
import torch

from csl.io import Shard, gaps, read_features, save_features, shards_in
from csl.io.folder import read_rows
from csl.types import Features

ROWS = Features(torch.randn(10, 3), torch.arange(10) % 2, torch.arange(10))
NAMES = [f"{i}.png" for i in range(10)]


def write(folder: Path, start: int, stop: int, ending: str = ".npz", total: int = 10) -> None:
    rows = Features(*(column[start:stop] for column in ROWS))
    save_features(folder / Shard(start, stop, total, ending).name, rows, NAMES[start:stop], ["ant", "bee"])


@pytest.mark.parametrize("ending", [".npz", ".safetensors", ".parquet"])
def test_shards_are_one_table_whatever_the_order_in_which_they_were_written(tmp_path: Path, ending: str) -> None:
    for start, stop in ((7, 10), (0, 4), (4, 7)):
        write(tmp_path, start, stop, ending)
    (tmp_path / "features.json").write_text("{}")
    (tmp_path / ".rows.npz.partial").write_bytes(b"half a file")
    table = read_features(tmp_path)
    assert torch.equal(table.values, ROWS.values)
    assert table.labels is not None
    assert torch.equal(table.labels, ROWS.labels)
    assert table.names == tuple(NAMES)
    assert list(read_rows(tmp_path)["class_names"]) == ["ant", "bee"]


def test_a_folder_that_cannot_be_written_to_is_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, 0, 10)
    monkeypatch.setattr("os.access", lambda *_: False)
    before = sorted(tmp_path.iterdir())
    assert torch.equal(read_features(tmp_path).values, ROWS.values)
    assert sorted(tmp_path.iterdir()) == before


def test_missing_rows_are_counted(tmp_path: Path) -> None:
    write(tmp_path, 0, 4)
    write(tmp_path, 6, 8)
    with pytest.raises(ValueError, match="4 of 10 rows are missing, the first of them row 4; csl predict with"):
        read_features(tmp_path)
    assert gaps(shards_in(tmp_path), 10) == [range(4, 6), range(8, 10)]
    assert gaps([], 3) == [range(3)]
    assert shards_in(tmp_path / "none") == []


def test_shards_of_two_sets_are_refused(tmp_path: Path) -> None:
    write(tmp_path, 0, 4)
    write(tmp_path, 3, 10)
    with pytest.raises(ValueError, match="expected the shards of one set, each row in one of them, got rows-0"):
        read_features(tmp_path)
    (tmp_path / Shard(3, 10, 10, ".npz").name).unlink()
    write(tmp_path, 4, 10, total=11)
    with pytest.raises(ValueError, match="expected the shards of one set"):
        read_features(tmp_path)


def test_files_of_others_are_put_together_by_name(tmp_path: Path) -> None:
    for number in range(3):
        np.savez(tmp_path / f"part-{number}.npz", x=np.full((2, 3), number, dtype=np.float16), y=["cat", "ant"])
    table = read_features(tmp_path)
    assert table.values.tolist() == [[number] * 3 for number in (0, 0, 1, 1, 2, 2)]
    assert (table.values.dtype, table.classes, table.label_names()[:2]) == (
        torch.float16,
        ("ant", "cat"),
        ["cat", "ant"],
    )
    np.savez(tmp_path / "part-3.npz", x=np.zeros((2, 4), dtype=np.float16), y=["cat", "ant"])
    with pytest.raises(ValueError, match=r"part-3.npz: expected arrays as in part-0.npz, got x \[2, 4\] float16"):
        read_features(tmp_path)


def test_a_folder_without_features_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected a folder of files that end in \.npz, .* found none"):
        read_features(tmp_path)
