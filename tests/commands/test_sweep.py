"""`csl sweep`: every kept checkpoint, measured once."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from csl.io import load_checkpoint
from csl.metrics.functional import clid, kmeans_clusters
from csl.runs import Run
from csl.study.encoding import Bench
from csl.study.sweep import readable
from tests.commands.runs import SMALL, csl, curve, failure

RUN = "lightning_logs/simclr-digits/version_0"
KEEP = ["--trainer.callbacks+=RunCheckpoint", "--trainer.callbacks.keep_every_n_epochs", "1"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run of two epochs, both kept, and what a sweep wrote into it."""
    folder = tmp_path_factory.mktemp("swept")
    csl(folder, "fit", "--trainer.max_epochs", "2", *SMALL, *KEEP)
    csl(folder, "sweep", RUN, "--quiet")
    return folder


def copy(trained: Path, folder: Path) -> Path:
    shutil.copytree(trained / RUN, folder / RUN)
    return folder / RUN


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """Everything that a sweep measured, one row a checkpoint."""
    rows: list[dict[str, Any]] = json.loads((folder / "measures.json").read_text())
    return rows


def test_a_row_is_what_validate_says_of_that_epoch(trained: Path) -> None:
    swept = rows_of(trained / RUN / "sweep")
    assert [(row["checkpoint"], row["epoch"], row["step"]) for row in swept] == [
        ("epoch_0001.ckpt", 1, 10),
        ("epoch_0002.ckpt", 2, 20),
    ]
    csl(trained, "validate", RUN, "--epoch", "1", "--json", "one.json", "--trainer.logger", "false", *SMALL[:4])
    once = json.loads((trained / "one.json").read_text())["values"]
    shared = [name for name in once if not name.startswith("wall_seconds/")]
    assert {name: swept[0][name] for name in shared} == pytest.approx({name: once[name] for name in shared})
    assert {"val/loss", "train/loss", "train/lidar", "val/label_propagation_accuracy"} <= set(swept[0])


def test_clid_is_made_of_clusters_of_the_held_out_features(trained: Path) -> None:
    rows = rows_of(trained / RUN / "sweep")
    _, val = Bench(Run(trained / RUN)).features(trained / RUN / "checkpoints/epoch_0001.ckpt")
    features = torch.nn.functional.normalize(val.values.double())
    clusters = kmeans_clusters(features, 20)  # √397
    assert clid(features, clusters).tolist() == pytest.approx(
        [rows[0]["val/cluster_learnability"], rows[0]["val/intrinsic_dimension"]], abs=1e-4
    )
    parts = ("val/cluster_learnability", "val/intrinsic_dimension")
    higher = [rows[1][part] > rows[0][part] for part in parts]
    assert [row["val/clid"] for row in rows] == [2 - sum(higher), sum(higher)]


def test_the_log_shows_the_sweep_beside_the_training(trained: Path) -> None:
    training, swept = curve(trained / RUN, "val/rld_0.1"), curve(trained / RUN / "sweep", "val/rld_0.1")
    assert list(swept) == [9, 19]
    assert swept[19] == pytest.approx(training[19])


def test_files_and_picture_are_there(trained: Path) -> None:
    names = {path.name for path in (trained / RUN / "sweep").iterdir()}
    tables = {f"{table}.{form}" for table in ("epochs", "measures", "choices") for form in ("csv", "json", "md")}
    assert {*tables, "index.html", "sweep.png", "sweep.svg"} <= names
    head = (trained / RUN / "sweep" / "measures.csv").read_text().splitlines()[0]
    assert head.startswith("run,checkpoint,epoch,step,")
    epochs = json.loads((trained / RUN / "sweep" / "epochs.json").read_text())
    assert [(row["run"], row["epoch"]) for row in epochs] == [("simclr-digits/version_0", at) for at in (1, 2)]
    assert epochs[0]["CHS"] == rows_of(trained / RUN / "sweep")[0]["val/calinski_harabasz"]
    choices = {row["measure"]: row for row in json.loads((trained / RUN / "sweep" / "choices.json").read_text())}
    assert choices["val/loss"]["epoch"] in ("1", "2")
    assert choices["val/loss"]["kNN lost"] >= 0
    assert choices["val/loss"]["Spearman kNN low"] is None  # of two checkpoints


def test_nothing_is_measured_twice_and_what_changed_is_measured_anew(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = copy(trained, tmp_path)
    measured: list[str] = []

    def note(bench: Bench, checkpoint: Path) -> dict[str, float]:
        measured.append(checkpoint.name)
        return {"val/rankme": 2.0}

    monkeypatch.setattr(Bench, "measured", note)
    for file in (run / "checkpoints").iterdir():
        file.touch()  # as a copy does
    csl(tmp_path, "sweep", RUN, "--quiet")
    assert measured == []
    shutil.copy(run / "checkpoints/epoch_0001.ckpt", run / "checkpoints/epoch_0002.ckpt")
    (run / "sweep/epoch_0001.json").write_text("half a fi")
    csl(tmp_path, "sweep", RUN, "--quiet")
    # The second is the first now, so that one of them is enough; last.ckpt is another step.
    assert measured == ["epoch_0001.ckpt", "last.ckpt"]


def test_a_corrupt_checkpoint_is_named_and_the_rest_is_done(trained: Path, tmp_path: Path) -> None:
    run = copy(trained, tmp_path)
    (run / "checkpoints/epoch_0001.ckpt").write_bytes(b"no checkpoint")
    status, message = failure(tmp_path, "sweep", RUN, "--quiet")
    assert status == 1
    assert "epoch_0001.ckpt" in message
    assert [row["epoch"] for row in rows_of(run / "sweep")] == [2]


def test_a_run_with_its_last_checkpoint_alone_says_how_to_keep_more(trained: Path, tmp_path: Path) -> None:
    run = copy(trained, tmp_path)
    for kept in (run / "checkpoints").glob("epoch_*"):
        kept.unlink()
    text = csl(tmp_path, "sweep", RUN, "--quiet")
    assert "version_0 holds one checkpoint" in text
    assert "keep_every_n_epochs" in text
    assert "Which epoch to take" not in text
    assert json.loads((run / "sweep/choices.json").read_text()) == []


def test_a_folder_without_checkpoints_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    status, message = failure(tmp_path, "sweep", "empty", "--quiet")
    assert status == 1
    assert "empty: expected checkpoints, got none; a run that was trained has last.ckpt" in message


def test_a_run_that_cannot_be_measured_does_not_stop_the_others(trained: Path, tmp_path: Path) -> None:
    copy(trained, tmp_path)
    (tmp_path / "empty").mkdir()
    status, message = failure(tmp_path, "sweep", "empty", RUN, "--quiet", "--output", "out")
    assert status == 1
    assert "empty: expected checkpoints, got none" in message
    assert [row["epoch"] for row in rows_of(tmp_path / "out")] == [1, 2]


def test_checkpoints_of_others_are_measured_on_the_images_of_a_run(trained: Path, tmp_path: Path) -> None:
    copy(trained, tmp_path)
    (tmp_path / "foreign").mkdir()
    for epoch in (1, 2):
        state = load_checkpoint(tmp_path / RUN / f"checkpoints/epoch_000{epoch}.ckpt")["state_dict"]
        weights = {f"module.encoder_q.{k[8:]}": v for k, v in state.items() if k.startswith("encoder.")}
        torch.save({"state_dict": weights}, tmp_path / f"foreign/moco_{epoch}0.pth")
    torch.save({"state_dict": {"module.encoder_q.conv1.weight": torch.zeros(3, 3)}}, tmp_path / "foreign/moco_30.pth")
    status, message = failure(tmp_path, "sweep", "foreign", "--like", RUN, "--quiet", "--output", "out")
    assert status == 1
    assert "moco_30.pth" in message
    rows, own = rows_of(tmp_path / "out"), rows_of(trained / RUN / "sweep")
    assert [row["epoch"] for row in rows] == [10, 20]
    # Measured on the images of another run, they are measured anew.
    other = tmp_path / "lightning_logs/simclr-digits/version_1"
    shutil.copytree(tmp_path / RUN, other)
    config = (other / "config.yaml").read_text()
    (other / "config.yaml").write_text(
        config.replace(
            "class_path: csl.data.Digits\n    init_args:\n      seed: 0",
            "class_path: csl.data.Digits\n    init_args:\n      seed: 7",
        )
    )
    failure(tmp_path, "sweep", "foreign", "--like", str(other), "--quiet", "--output", "other")
    assert rows_of(tmp_path / "other")[0]["val/rld_0.1"] != pytest.approx(rows[0]["val/rld_0.1"])
    for row, same in zip(rows, own, strict=True):
        assert row["val/rld_0.1"] == pytest.approx(same["val/rld_0.1"])
        assert "val/loss" not in row


def test_one_checkpoint_counts_for_a_step(trained: Path) -> None:
    checkpoints, faults = readable(Run(trained / RUN))
    assert [one.path.name for one in checkpoints] == ["epoch_0001.ckpt", "epoch_0002.ckpt"]
    assert faults == []
