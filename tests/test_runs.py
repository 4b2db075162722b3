"""A run's folder, read without a trainer."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.tensorboard import SummaryWriter

from csl.runs import CONFIG, CSV, LAST, Checkpoint, Run, epoch_file, find_versions


def save(file: Path, epoch: int, step: int) -> None:
    loops = {"fit_loop": {"epoch_progress": {"current": {"processed": epoch}}}}
    file.parent.mkdir(exist_ok=True, parents=True)
    torch.save({"loops": loops, "global_step": step, "state_dict": {"weight": torch.zeros(2)}}, file)


def write_config(folder: Path, text: str) -> Run:
    folder.mkdir(exist_ok=True, parents=True)
    (folder / CONFIG).write_text(text)
    return Run(folder)


def test_checkpoints_come_in_order_with_epoch_and_step(tmp_path: Path) -> None:
    for epoch in (10_000, 2, 10):
        save(tmp_path / epoch_file(epoch), epoch, 3 * epoch)
    save(tmp_path / LAST, 11, 34)
    (tmp_path / LAST).with_name(".last.ckpt.next").touch()
    (tmp_path / LAST).with_name(".last.ckpt").touch()
    run = Run(tmp_path)
    names = ["epoch_0002.ckpt", "epoch_0010.ckpt", "epoch_10000.ckpt", "last.ckpt"]
    assert [path.name for path in run.checkpoint_files] == names
    assert [(found.epoch, found.step) for found in run.checkpoints] == [(2, 6), (10, 30), (11, 34), (10_000, 30_000)]
    assert run.progress == Checkpoint(tmp_path / LAST, 11, 34)


def test_a_damaged_checkpoint_is_named_and_the_files_can_still_be_listed(tmp_path: Path) -> None:
    save(tmp_path / epoch_file(1), 1, 3)
    (tmp_path / epoch_file(2)).write_bytes(b"torn")
    run = Run(tmp_path)
    assert len(run.checkpoint_files) == 2
    with pytest.raises(ValueError, match=r"epoch_0002\.ckpt is not a checkpoint that csl wrote, or is damaged"):
        _ = run.checkpoints
    torch.save({"global_step": 3}, tmp_path / "other.ckpt")
    with pytest.raises(ValueError, match=r"other\.ckpt is not a checkpoint of a training \(it has no 'loops'\)"):
        Checkpoint.read(tmp_path / "other.ckpt")


@pytest.mark.parametrize(
    ("limits", "finished"),
    [
        ("max_epochs: 3", True),
        ("max_epochs: 4", False),
        ("{max_epochs: -1, max_steps: 12}", True),
        ("{max_epochs: null, max_steps: 13}", False),
        ("null", False),
    ],
)
def test_a_run_is_finished_when_its_configuration_says_so(tmp_path: Path, limits: str, finished: bool) -> None:
    text = f"trainer: {limits}" if limits.startswith("{") or limits == "null" else f"trainer: {{{limits}}}"
    run = write_config(tmp_path, text)
    assert not run.is_started
    assert not run.is_finished
    save(tmp_path / LAST, 3, 12)
    assert Run(tmp_path).is_finished == finished


def test_the_method_is_the_class_that_was_trained(tmp_path: Path) -> None:
    assert write_config(tmp_path / "a", "model: {class_path: my_file.Own}").method == "Own"
    assert write_config(tmp_path / "b", "model: csl.methods.BYOL").method == "BYOL"
    assert write_config(tmp_path / "c", "").method == ""


def test_a_folder_without_a_readable_configuration_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected the folder of a run, which holds its configuration"):
        _ = Run(tmp_path).config
    with pytest.raises(ValueError, match=r"config\.yaml: not a readable YAML file"):
        _ = write_config(tmp_path, "a: [").config
    write_config(tmp_path, "!!python/object/apply:os.mkdir [owned]")
    with pytest.raises(ValueError, match="not a readable YAML file"):
        _ = Run(tmp_path).config


def log(folder: Path, steps: range, shift: float, purge: int | None = None) -> None:
    with SummaryWriter(str(folder), purge_step=purge, filename_suffix=f".{steps.start}") as writer:
        for step in steps:
            writer.add_scalar("train/loss", step + shift, step)


def test_what_a_resumed_run_did_again_counts_once(tmp_path: Path) -> None:
    log(tmp_path, range(0, 6), 0.0)
    first = next(tmp_path.glob("events*"))
    first.rename(first.with_name(first.name.replace(".tfevents.", ".tfevents.0")))  # the older in the order of names
    log(tmp_path, range(4, 8), 0.5, purge=4)
    expected = {0: 0.0, 1: 1.0, 2: 2.0, 3: 3.0, 4: 4.5, 5: 5.5, 6: 6.5, 7: 7.5}
    assert Run(tmp_path).scalars() == {"train/loss": expected}
    assert Run(tmp_path).last_scalars() == {"train/loss": 7.5}


def test_the_file_of_a_csv_logger_is_read_too(tmp_path: Path) -> None:
    text = "epoch,step,train/loss,val/rld_0.1\n0,4,1.5,\n0,4,,0.25\n1,9,1.0,\n1,9,0.5,nan\n"
    (tmp_path / CSV).write_text(text)
    scalars = Run(tmp_path).scalars()
    assert scalars["train/loss"] == {4: 1.5, 9: 0.5}
    assert scalars["epoch"] == {4: 0.0, 9: 1.0}
    assert scalars["val/rld_0.1"][4] == 0.25
    assert scalars["val/rld_0.1"][9] != scalars["val/rld_0.1"][9]


def test_what_lightnings_csv_logger_writes_is_read(tmp_path: Path) -> None:
    from lightning.pytorch.loggers import CSVLogger

    logger = CSVLogger(tmp_path, name="", version="run")
    logger.log_metrics({"val/knn_accuracy": 0.5}, step=3)
    logger.save()
    assert Run(tmp_path / "run").scalars() == {"val/knn_accuracy": {3: 0.5}}


def test_pictures_are_png_files_by_step(tmp_path: Path) -> None:
    with SummaryWriter(str(tmp_path)) as writer:
        for step in (3, 7):
            writer.add_image("val/feature_map", torch.zeros(3, 2, 2), step)
    pictures = Run(tmp_path).pictures("val/feature_map")
    assert list(pictures) == [3, 7]
    assert pictures[7].startswith(b"\x89PNG")
    with pytest.raises(ValueError, match=r"expected one of its pictures \(val/feature_map\), got 'map'"):
        Run(tmp_path).pictures("map")


def test_versions_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for version in (10, 9, 0):
        write_config(tmp_path / f"version_{version}", "")
    (tmp_path / "validate" / "version_0").mkdir(parents=True)
    assert [run.folder.name for run in find_versions(tmp_path)] == ["version_0", "version_9", "version_10"]
    assert find_versions(tmp_path / "nowhere") == []


def loaded_by(code: str, folder: Path) -> dict[str, Any]:
    line = (
        f"import sys; from csl.runs import Run; {code}; print(*[m for m in ('torch', 'lightning') if m in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run([sys.executable, "-c", line], cwd=folder, capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stderr
    return dict.fromkeys(result.stdout.split())


def test_neither_torch_nor_lightning_is_loaded_to_read_a_configuration_and_curves(tmp_path: Path) -> None:
    write_config(tmp_path, "model: SimCLR")
    assert not loaded_by("import pathlib; run = Run(pathlib.Path()); run.config, run.checkpoint_files", tmp_path)
    save(tmp_path / LAST, 1, 3)
    assert set(loaded_by("import pathlib; Run(pathlib.Path()).progress", tmp_path)) == {"torch"}
