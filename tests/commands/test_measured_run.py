"""A run's folder is enough to measure it again, on its own images or on others."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from csl.commands.measured_run import take_run
from csl.io import load_checkpoint, load_features
from tests.commands.images import write_folder
from tests.commands.runs import SMALL, SMALL_MODEL, SMALL_TRAINER, csl, curve, failure

KEEP = "[{class_path: RunCheckpoint, init_args: {keep_every_n_epochs: 1}}, OrganizationMetrics]"
ELSEWHERE = "--data.source", "Folder", "--data.source.root", "images", "--data.batch_size", "12"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("measured")
    line = "--trainer.max_epochs", "2", "--trainer.check_val_every_n_epoch", "1", "--trainer.callbacks", KEEP
    csl(folder, "fit", *line, *SMALL)
    write_folder(folder / "images", classes=3, train=12, val=6, size=20)
    return folder


NAMES = ("rld", "calinski", "feature_std", "knn", "linear", "gcn")
RUN = "lightning_logs/simclr-digits/version_0"


def values(folder: Path, *line: str) -> dict[str, float]:
    csl(folder, "validate", *line, "--json", "found.json")
    found: dict[str, float] = json.loads((folder / "found.json").read_text())["values"]
    return found


def test_a_folder_is_enough(folder: Path) -> None:
    last = curve(folder / RUN, "val/rld_0.1")
    assert values(folder, RUN)["val/rld_0.1"] == pytest.approx(last[19], rel=1e-5)
    assert values(folder, RUN, "--epoch", "1")["val/rld_0.1"] == pytest.approx(last[9], rel=1e-5)


def test_a_run_with_a_logger_of_its_own_name_is_measured_beside_it(tmp_path: Path) -> None:
    logger = "--trainer.logger"
    place = [f"{logger}.save_dir", "mine", f"{logger}.name", "runs", f"{logger}.version", "first"]
    csl(tmp_path, "fit", "--trainer.max_epochs", "1", logger, "TensorBoardLogger", *place, *SMALL)
    run = tmp_path / "mine" / "runs" / "first"
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    last = curve(run, "val/rld_0.1")
    assert values(tmp_path, "mine/runs/first")["val/rld_0.1"] == pytest.approx(last[max(last)], rel=1e-5)
    csl(tmp_path, "predict", "mine/runs/first", "--output", "features.npz")
    assert len(load_features(tmp_path / "features.npz").values)
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before


def cells(printed: str) -> list[str]:
    """The rows of the last table that a command printed."""
    rows = printed[printed.rindex(" train         val") if " train         val" in printed else 0 :].splitlines()[1:]
    return [row for row in rows if len(row.split()) > 1 and row.split()[0].startswith(NAMES)]


def test_validate_of_the_last_checkpoint_prints_the_table_that_the_fit_ended_with(tmp_path: Path) -> None:
    fit = csl(tmp_path, "fit", "--trainer.max_epochs", "3", "--trainer.check_val_every_n_epoch", "2", *SMALL)
    last = f"{RUN}/checkpoints/last.ckpt"
    for line in ([RUN], ["--config", f"{RUN}/config.yaml", "--ckpt_path", last]):
        assert cells(csl(tmp_path, "validate", *line)) == cells(fit)
    assert len(cells(fit)) == 11


def test_test_measures_the_third_set(tmp_path: Path) -> None:
    write_folder(tmp_path / "images", classes=3, train=12, val=6, size=20)
    shutil.copytree(tmp_path / "images" / "val", tmp_path / "images" / "test")
    (tmp_path / "images" / "test" / "class_0" / "0.png").unlink()
    line = "--trainer.max_epochs", "1", "--trainer.callbacks", "OrganizationMetrics", *SMALL
    csl(tmp_path, "fit", *line, *ELSEWHERE)
    run = str(Path(RUN).parents[1] / "simclr-folder" / "version_0")
    printed = csl(tmp_path, "test", run, "--json", "found.json")
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["data"]["sets"]["test"] == 17
    assert "SimCLR on the test images" in printed
    # The test images are those of val but for one.
    held_out = json.loads(_validated(tmp_path, run))["values"]
    assert set(found["values"]) == {name.replace("val/", "test/") for name in held_out}
    assert found["values"]["train/rld_0.1"] == held_out["train/rld_0.1"]
    assert found["values"]["test/rld_0.1"] != held_out["val/rld_0.1"]
    shutil.copy(tmp_path / "images" / "val" / "class_0" / "0.png", tmp_path / "images" / "test" / "class_0")
    csl(tmp_path, "test", run, "--json", "found.json")
    again = json.loads((tmp_path / "found.json").read_text())["values"]
    assert again["test/rld_0.1"] == pytest.approx(held_out["val/rld_0.1"], rel=1e-6)


def _validated(folder: Path, run: str) -> str:
    csl(folder, "validate", run, "--json", "validated.json")
    return (folder / "validated.json").read_text()


def test_json_says_which_weights_and_which_images(folder: Path) -> None:
    text = csl(folder, "validate", RUN, "--json", "-")
    found = json.loads(text)
    assert found["checkpoint"] == f"{RUN}/checkpoints/last.ckpt"
    assert found["data"]["sets"] == {"train": 1400, "val": 397}
    assert set(found["values"]) >= {"train/rld_0.1", "val/rld_0.1"}


def test_a_run_is_measured_on_other_images(folder: Path) -> None:
    csl(folder, "validate", RUN, *ELSEWHERE, "--json", "found.json")
    found = json.loads((folder / "found.json").read_text())
    assert found["data"]["sets"] == {"train": 36, "val": 18}
    assert found["values"]["val/calinski_harabasz"] >= 0


def test_predict_writes_files_and_classes(folder: Path) -> None:
    csl(folder, "predict", RUN, *ELSEWHERE, "--output", "f.npz")
    with np.load(folder / "f.npz") as found:
        assert found["class_names"].tolist() == ["class_0", "class_1", "class_2"]
        names, labels = found["names"].tolist(), found["labels"].tolist()
    assert len(names) == 18
    assert all(name.startswith(f"val/class_{label}/") for name, label in zip(names, labels, strict=True))
    assert load_features(folder / "f.npz").values.shape == (18, 16)


def test_a_supervised_run_keeps_its_classes_on_other_images(tmp_path: Path) -> None:
    line = "--model", "Supervised", "--trainer.max_epochs", "1", "--trainer.callbacks", "[OrganizationMetrics]"
    csl(tmp_path, "fit", *line, *SMALL_TRAINER, *SMALL_MODEL)
    write_folder(tmp_path / "images", classes=3, train=12, val=6)
    run = "lightning_logs/supervised-digits/version_0"
    state = load_checkpoint(tmp_path / run / "checkpoints" / "last.ckpt")
    assert state["state_dict"]["classifier.weight"].shape == (10, 16)
    assert state["csl_classes"] == [str(digit) for digit in range(10)]
    own = values(tmp_path, run)
    assert 0 <= own["val/accuracy"] <= 1
    elsewhere = values(tmp_path, run, *ELSEWHERE)
    assert "val/rld_0.1" in elsewhere
    assert "val/accuracy" not in elsewhere


def test_without_a_checkpoint_it_is_said_at_both_ends(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        csl(tmp_path, "validate", "--trainer.callbacks", "[OrganizationMetrics]", *SMALL)
    said = [record.getMessage() for record in caplog.records if "UNTRAINED" in record.getMessage()]
    assert len(said) == 2
    assert said[0].endswith("To measure a run: csl validate RUN")


def test_with_a_checkpoint_it_is_not(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        csl(folder, "validate", RUN)
    assert "UNTRAINED" not in caplog.text


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["nowhere"], "RUN: nowhere is not the folder of a run of csl fit: it holds no configuration (config.yaml)"),
        ([RUN, "--epoch", "9"], f"RUN: {RUN} holds no checkpoint epoch_0009.ckpt; there are: epoch_0001.ckpt, epoch_0"),
        ([RUN, "--epoch", "x"], "--epoch: expected the number of an epoch, got 'x'"),
        (["--epoch", "1"], "--epoch: expected a run's folder on the line, whose epoch that is"),
        ([RUN, "--json", "no/where.json"], "--json: no folder no"),
    ],
)
def test_what_cannot_be_measured_is_refused(folder: Path, line: list[str], said: str) -> None:
    status, message = failure(folder, "validate", *line)
    assert status == 1
    assert said in message


def test_the_folder_may_stand_anywhere_on_the_line(folder: Path) -> None:
    for line in (["--x=1", RUN], [RUN, "--x", "1"], ["--x", "1", RUN]):
        measured, words = take_run([word.replace(RUN, str(folder / RUN)) for word in line])
        assert measured is not None
        assert measured.run.folder == folder / RUN
        assert [word for word in words if "x" in word][-1].startswith("--x")


def test_names_may_be_missing(tmp_path: Path) -> None:
    from csl.io import save_features
    from csl.types import Features

    save_features(tmp_path / "f.npz", Features(torch.ones(2, 3), torch.tensor([0, 1]), torch.tensor([0, 1])))
    with np.load(tmp_path / "f.npz") as found:
        assert sorted(found) == ["features", "index", "labels"]


def test_bfloat16_in_training_changes_no_measured_number(tmp_path: Path) -> None:
    line = "--trainer.max_epochs", "1", "--trainer.callbacks", "[OrganizationMetrics]", "--model.encoder.width", "8"
    csl(tmp_path, "fit", *line, *SMALL_TRAINER, "--trainer.precision", "bf16-mixed")
    logged = curve(tmp_path / RUN, "val/rld_0.1")[9]
    exact = values(tmp_path, RUN, "--trainer.precision", "32-true")
    again = values(tmp_path, RUN)
    assert {n: v for n, v in again.items() if "seconds" not in n} == {n: exact[n] for n in again if "seconds" not in n}
    assert exact["val/rld_0.1"] == pytest.approx(logged, rel=1e-6)
