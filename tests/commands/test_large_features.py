"""Features that memory has no room for: a matrix in a file, and a folder of files."""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from csl.io import Shard
from csl.metrics.measures import MEASURES

ROOT = Path(__file__).parent.parent.parent
ROWS, WIDTH = 400_000, 128
SIZE = ROWS * WIDTH * 4
# A process that says what it holds for itself (not what it has mapped of files) when all is imported.
CHILD = """
import sys
import torch
torch.set_num_threads(1)
import csl.io, csl.io.mapped, csl.metrics.analysis
read = csl.io.read_features
def noted(*arguments):
    lines = open("/proc/self/status").read().splitlines()
    held = next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))
    print("BASE", held, file=sys.stderr, flush=True)
    return read(*arguments)
csl.io.read_features = noted
csl.io.mapped.free_memory = csl.metrics.analysis.free_memory = lambda: 1_000_000
from csl.cli import main
main(sys.argv[1:])
"""

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc to see what is held")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same features as one file and as four, in which classes are seen."""
    folder = tmp_path_factory.mktemp("large")
    random = np.random.default_rng(0)
    labels = random.integers(0, 10, ROWS)
    values = random.standard_normal((ROWS, WIDTH), dtype=np.float32)
    values[np.arange(ROWS), labels] += 3
    np.save(folder / "features.npy", values)
    np.save(folder / "labels.npy", labels)
    (folder / "shards").mkdir()
    for start in range(0, ROWS, ROWS // 10):
        rows = slice(start, start + ROWS // 10)
        name = Shard(start, rows.stop, ROWS, ".npz").name
        np.savez(folder / "shards" / name, features=values[rows], labels=labels[rows], index=np.arange(ROWS)[rows])
    return folder


def analyzed(folder: Path, *line: str) -> tuple[str, str, int]:
    """What `csl analyze` prints and what it complains of, and how much more the process held at most, in bytes."""
    environment: dict[str, Any] = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with (folder / "out").open("w+") as out, (folder / "err").open("w+") as err:
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, "analyze", *line], cwd=folder, env=environment, stdout=out, stderr=err
        )
        most = 0
        while child.poll() is None:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                most = max(most, held(child.pid) if (folder / "err").stat().st_size else 0)  # not before its base
            time.sleep(0.002)
    error = (folder / "err").read_text()
    base = int(error.partition("BASE ")[2].split()[0]) * 1024
    return (folder / "out").read_text(), error, most - base


def held(process: int) -> int:
    """The memory that a process holds for itself, in bytes; 0 when it has ended."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon")), 0)


def value(text: str, name: str) -> float:
    """A measure's value in the table."""
    (row,) = [line.split() for line in text.splitlines() if line.split()[:1] == [name]]
    return float(row[1].replace(",", ""))


CHEAP = ["--metrics", "calinski_harabasz", "feature_std", "rankme"]


@pytest.fixture(scope="module")
def of_a_matrix(folder: Path) -> tuple[str, str, int]:
    return analyzed(folder, "features.npy", "--labels", "labels.npy", *CHEAP)


def test_a_matrix_stays_in_its_file(folder: Path, of_a_matrix: tuple[str, str, int]) -> None:
    text, error, more = of_a_matrix
    assert "400,000 samples of 128 dimensions, 10 classes" in text, error
    assert more < SIZE / 2
    small = np.load(folder / "features.npy")
    unit = small / np.linalg.norm(small, axis=1, keepdims=True)
    singular = np.linalg.svd(unit.T @ unit, compute_uv=False) ** 0.5
    share = singular / singular.sum()
    assert value(text, "rankme") == pytest.approx(np.exp(-(share * np.log(share)).sum()), rel=1e-3)


def test_a_folder_is_put_together_outside_of_memory(folder: Path, of_a_matrix: tuple[str, str, int]) -> None:
    text, error, more = analyzed(folder, "shards", *CHEAP)
    for name in ("calinski_harabasz", "feature_std", "rankme"):
        assert value(text, name) == value(of_a_matrix[0], name), error
    assert more < SIZE / 2
    assert len(list((folder / "shards").iterdir())) == 10


def test_what_needs_all_rows_is_refused_by_name_and_left_out_of_the_panel(folder: Path) -> None:
    _, error, _ = analyzed(folder, "shards", "--metrics", "rld", "rankme")
    assert "metrics: expected some that look at blocks of rows (" in error
    assert "got rld; they hold all rows in memory, 0.2 GB, of which 0.0 GB are free" in error
    assert "Traceback" not in error
    text, error, more = analyzed(folder, "shards")
    assert "Left out: " in text, error
    assert more < SIZE / 2
    for name in ("rld", "knn_accuracy", "silhouette"):
        assert f"{name}" in text.partition("Left out: ")[2]


def test_the_list_of_measures_says_which() -> None:
    assert {name for name, measure in MEASURES.items() if measure.by_blocks} == {
        *("alignment", "alpha_req", "calinski_harabasz", "davies_bouldin", "effective_rank", "feature_std", "lidar"),
        *("neural_collapse", "participation_ratio", "rankme"),
    }
