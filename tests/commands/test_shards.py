"""`csl predict --shard_size`: features in many files, and going on after an interruption."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from csl.io import FeatureTable, read_features, shards_in
from tests.commands.images import write_folder
from tests.commands.runs import SMALL_TRAINER, csl, failure

ROOT = Path(__file__).parent.parent.parent
LINE = [
    *("predict", "--model", "Frozen", "--model.encoder", "ConvNet", "--model.encoder.width", "2", *SMALL_TRAINER),
    *("--data.source", "Folder", "--data.source.root", "images", "--data.predict_split", "train"),
    *("--data.batch_size", "7", "--trainer.logger", "false", "--trainer.precision", "32-true"),
]
SHARDS = [*LINE, "--output", "features.npz", "--shard_size", "10"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_folder(tmp_path / "images", classes=3, train=16, val=4)
    return tmp_path


def same(found: FeatureTable, expected: FeatureTable) -> None:
    torch.testing.assert_close(found.values, expected.values)
    assert found.labels is not None
    assert expected.labels is not None
    assert torch.equal(found.labels, expected.labels)
    assert found.names == expected.names
    assert len(set(found.names)) == 48


@pytest.mark.parametrize("ending", [".npz", ".safetensors", ".parquet"])
def test_the_files_hold_what_one_file_holds(folder: Path, ending: str) -> None:
    csl(folder, *LINE, "--output", f"one{ending}")
    text = csl(folder, *LINE, "--output", f"many{ending}", "--shard_size", "10")
    assert f"48 features: many{ending}" in text
    assert [(shard.start, shard.stop) for shard in shards_in(folder / f"many{ending}")] == [
        *((0, 10), (10, 20), (20, 30), (30, 40), (40, 48))
    ]
    same(read_features(folder / f"many{ending}"), read_features(folder / f"one{ending}"))
    assert "48 samples of 16 dimensions, 3 classes" in csl(folder, "analyze", f"many{ending}", "--metrics", "rld")


KILLED = """
import os, signal, sys
import csl.callbacks.shard_writer as shard_writer
save = shard_writer.save_features
def save_two(path, *rest):
    global left
    if not left:  # in the middle of writing the third
        path.with_name(f".{path.name}.partial").write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    save(path, *rest)
left = 2
shard_writer.save_features = save_two
from csl.cli import main
main(sys.argv[1:])
"""


def test_a_killed_run_goes_on_where_it_was(folder: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, *SHARDS], cwd=folder, env=environment, capture_output=True, timeout=120
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    target = folder / "features.npz"
    before = {path: path.stat().st_mtime_ns for path in target.glob("rows-*")}
    assert [(shard.start, shard.stop) for shard in shards_in(target)] == [(0, 10), (10, 20)]
    status, message = failure(folder, "analyze", "features.npz")
    assert status == 1
    assert "28 of 48 rows are missing, the first of them row 20" in message
    csl(folder, *SHARDS)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    csl(folder, *LINE, "--output", "one.npz")
    same(read_features(target), read_features(folder / "one.npz"))


def test_rows_in_the_middle_are_filled_in_and_nothing_is_done_twice(folder: Path) -> None:
    csl(folder, *SHARDS)
    target = folder / "features.npz"
    expected = read_features(target)
    values = expected.values.clone()
    second = sorted(target.glob("rows-*"))[1]
    second.unlink()
    kept = {path: path.stat().st_mtime_ns for path in target.glob("rows-*")}
    time.sleep(0.01)
    csl(folder, *SHARDS[:-1], "4")  # another size of files
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert [(shard.start, shard.stop) for shard in shards_in(target)][:4] == [(0, 10), (10, 14), (14, 18), (18, 20)]
    torch.testing.assert_close(read_features(target).values, values)
    assert "48 features: features.npz" in csl(folder, *SHARDS)


def test_another_network_or_other_images_do_not_go_on(folder: Path) -> None:
    csl(folder, *SHARDS)
    (folder / "features.npz" / sorted(os.listdir(folder / "features.npz"))[-1]).unlink()
    for change, what in (
        (["--seed_everything", "1"], "encoder"),
        (["--data.image_size", "8"], "image_size"),
    ):
        status, message = failure(folder, *SHARDS, *change)
        assert status == 1
        assert f"features.npz holds the features of something else ({what} differs, see features.json there)" in message
    assert set(json.loads((folder / "features.npz" / "features.json").read_text())) == {
        *("images", "split", "image_size", "encoder")
    }
    status, message = failure(folder, *SHARDS, "--data.predict_split", "val")
    assert "expected 12 rows as in val, got rows-0000000000-0000000010-of-0000000048.npz" in message


def test_a_complete_folder_of_another_network_is_refused_too(folder: Path) -> None:
    csl(folder, *SHARDS)
    status, message = failure(folder, *SHARDS, "--seed_everything", "1")
    assert status == 1
    assert "holds the features of something else" in message


def test_a_wrong_size_or_place_is_refused(folder: Path) -> None:
    assert "shard_size: expected" in failure(folder, *LINE, "--output", "f.npz", "--shard_size", "0")[1]
    (folder / "f.npz").write_bytes(b"")
    message = failure(folder, *LINE, "--output", "f.npz", "--shard_size", "4")[1]
    assert "path: expected a folder for shards, got f.npz, a file" in message
