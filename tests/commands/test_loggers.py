"""A run has a folder of its own, whatever logs it, and goes on there."""

import csv
import multiprocessing
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from csl.callbacks.versions import claim
from csl.runs import CONFIG, LAST, Run
from tests.commands.runs import SMALL_HEADS, SMALL_MODEL, SMALL_TRAINER, csl, curve, events, failure

# Two steps an epoch, each logged; one monitor and one picture.
LINE = ["--trainer.max_epochs", "2", "--data.batch_size", "700", "--trainer.log_every_n_steps", "1", *SMALL_TRAINER]
LINE += ["--trainer.check_val_every_n_epoch", "1", "--trainer.callbacks", "OrganizationMetrics"]
LINE += [*SMALL_MODEL, *SMALL_HEADS]
PICTURE = ["--trainer.callbacks+", "ClassAffinityMap"]
DEFAULT = Path("lightning_logs", "simclr-digits")
STEPS = {0, 1, 2, 3}

# Behaves as Weights & Biases does: one folder for all runs, an id that the service gives.
FAKE = """
import json
from pathlib import Path
from lightning.pytorch.loggers import Logger

class Fake(Logger):
    def __init__(self, save_dir: str = "wb", id: str | None = None, version: str | None = None):
        super().__init__()
        self._dir, self._id, self._run = Path(save_dir), id or version, None

    @property
    def experiment(self):
        if self._run is None:
            self._dir.mkdir(exist_ok=True)
            self._id = self._id or f"run{len(list(self._dir.iterdir()))}"
            self._run = self._dir / f"{self._id}.jsonl"
            self._run.touch()
        return self._run

    @property
    def save_dir(self):
        return str(self._dir)

    @property
    def name(self):
        return "project"

    @property
    def version(self):
        return self._id

    def log_hyperparams(self, params, *args, **kwargs):
        pass

    def _write(self, entry):
        with self.experiment.open("a") as file:
            file.write(json.dumps(entry) + "\\n")

    def log_metrics(self, metrics, step=None):
        self._write({"step": step, **metrics})

    def log_image(self, key, images, step=None):
        self._write({"image": key, "size": list(images[0].size), "step": step})
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "__pycache__")


def test_csv_logger_alone_goes_on_in_the_runs_folder(tmp_path: Path) -> None:
    logger = ["--trainer.logger", "CSVLogger", "--trainer.logger.save_dir", "logs", "--trainer.logger.name", "mine"]
    csl(tmp_path, "fit", *LINE, *PICTURE, *logger)
    run = tmp_path / "logs" / "mine" / "version_0"
    assert names(tmp_path) == ["logs"]
    assert {CONFIG, "checkpoints", "metrics.csv", "pictures"} <= set(names(run))
    before = Run(run).scalars()
    csl(tmp_path, "fit", "--resume", str(run), "--trainer.max_epochs", "3")
    after = Run(run).scalars()
    assert set(after["train/loss"]) == {0, 1, 2, 3, 4, 5}
    assert {step: after["val/rld_0.1"][step] for step in before["val/rld_0.1"]} == before["val/rld_0.1"]
    assert set(after["val/rld_0.1"]) == {1, 3, 5}
    assert names(run.parent) == ["version_0"]
    assert names(run / "pictures") == [f"val_class_affinity_{step:06d}.png" for step in (1, 3, 5)]
    csl(tmp_path, "fit", *LINE, *logger)
    assert names(run.parent) == ["version_0", "version_1"]


def test_steps_that_are_done_again_stand_in_a_table_once(tmp_path: Path) -> None:
    logger = ["--trainer.logger", "CSVLogger", "--trainer.logger.save_dir", "logs"]
    csl(tmp_path, "fit", *LINE, *logger, "--trainer.max_epochs", "1")
    run = tmp_path / "logs" / "lightning_logs" / "version_0"
    last = (run / LAST).read_bytes()
    csl(tmp_path, "fit", "--resume", str(run), "--trainer.max_epochs", "2")
    (run / LAST).write_bytes(last)  # as if it had been killed before the second epoch was saved
    csl(tmp_path, "fit", "--resume", str(run))
    with (run / "metrics.csv").open(newline="") as lines:
        steps = [int(row["step"]) for row in csv.DictReader(lines) if row["val/rld_0.1"]]
    assert steps == [1, 3]


def test_two_loggers_with_folders_of_their_own_have_one_number(tmp_path: Path) -> None:
    (tmp_path / "b" / "lightning_logs" / "version_4").mkdir(parents=True)
    file = tmp_path / "loggers.yaml"
    loggers = [{"class_path": kind, "init_args": {"save_dir": folder}} for kind, folder in LOGGERS]
    file.write_text(yaml.safe_dump({"trainer": {"logger": loggers}}))
    csl(tmp_path, "fit", "--config", str(file), *LINE)
    first, second = (tmp_path / folder / "lightning_logs" / "version_5" for folder in "ab")
    assert (first / CONFIG).is_file()
    assert not (second / CONFIG).exists()
    csl(tmp_path, "fit", "--resume", str(first), "--trainer.max_epochs", "3")
    assert set(curve(first, "train/loss")) == set(Run(second).scalars()["train/loss"]) == {0, 1, 2, 3, 4, 5}
    assert names(first.parent) == ["version_5"]
    assert names(second.parent) == ["version_4", "version_5"]


LOGGERS = [("TensorBoardLogger", "a"), ("CSVLogger", "b")]


def test_a_logger_with_one_folder_for_all_runs(tmp_path: Path) -> None:
    (tmp_path / "fake.py").write_text(FAKE)
    logger = ["--trainer.logger", "fake.Fake", "--trainer.default_root_dir", "root"]
    for _ in range(2):
        csl(tmp_path, "fit", *LINE, *PICTURE, *logger)
    place = tmp_path / "root" / DEFAULT
    assert names(place) == ["version_0", "version_1"]
    assert names(tmp_path / "wb") == ["run0.jsonl", "run1.jsonl"]
    run = place / "version_1"
    assert {CONFIG, "checkpoints", "pictures"} <= set(names(run))
    csl(tmp_path, "fit", "--resume", str(run), "--trainer.max_epochs", "3")
    assert names(place) == ["version_0", "version_1"]
    assert names(tmp_path / "wb") == ["run0.jsonl", "run1.jsonl"]
    lines = [yaml.safe_load(line) for line in (tmp_path / "wb" / "run1.jsonl").read_text().splitlines()]
    assert {line["step"] for line in lines if "train/loss" in line} == {0, 1, 2, 3, 4, 5}
    assert [line["step"] for line in lines if line.get("image") == "val/class_affinity"] == [1, 3, 5]


def test_no_logger_litters_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        csl(tmp_path, "fit", *LINE, *PICTURE, "--trainer.logger", "false")
    assert names(tmp_path) == ["lightning_logs"]
    assert names(tmp_path / DEFAULT) == ["version_0", "version_1"]
    run = tmp_path / DEFAULT / "version_1"
    assert names(run) == ["checkpoints", CONFIG, "pictures"]
    csl(tmp_path, "fit", "--resume", str(run), "--trainer.max_epochs", "3")
    assert Run(run).progress.epoch == 3
    assert names(tmp_path / DEFAULT) == ["version_0", "version_1"]
    csl(tmp_path, "validate", "--config", str(run / CONFIG), "--trainer.logger", "false")
    assert names(tmp_path) == ["lightning_logs"]
    assert names(tmp_path / DEFAULT) == ["version_0", "version_1"]


def test_a_logger_that_is_added_stands_beside_tensorboard(tmp_path: Path) -> None:
    csl(tmp_path, "fit", *LINE, *PICTURE, "--trainer.logger+=CSVLogger", "--trainer.logger.save_dir", "table")
    run, table = tmp_path / DEFAULT / "version_0", tmp_path / "table" / "lightning_logs" / "version_0"
    csl(tmp_path, "fit", "--resume", str(run), "--trainer.max_epochs", "3")
    for folder in (run, table):
        assert set(Run(folder).scalars()["train/loss"]) == {0, 1, 2, 3, 4, 5}
    assert events(run).Tags()["images"] == ["val/class_affinity"]


def test_a_fit_that_fails_before_it_trains_leaves_no_folder(tmp_path: Path) -> None:
    failure(tmp_path, "fit", *LINE, "--trainer.accumulate_grad_batches", "2")
    assert names(tmp_path / DEFAULT) == []


def test_a_named_version_that_holds_a_run_is_refused(tmp_path: Path) -> None:
    named = ["--trainer.logger", "TensorBoardLogger", "--trainer.logger.save_dir", "a", "--trainer.logger.version", "7"]
    csl(tmp_path, "fit", *LINE, *named)
    status, message = failure(tmp_path, "fit", *LINE, *named)
    assert status == 1
    assert "version_7/config.yaml is there already: the folder holds another run" in message


def _claimed(folder: Path, answers: Any) -> None:
    answers.put([claim([folder / "a", folder / "b"]) for _ in range(20)])


def test_folders_claimed_at_once_are_different(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    processes = [context.Process(target=_claimed, args=(tmp_path, answers)) for _ in range(4)]
    for process in processes:
        process.start()
    numbers = [number for _ in processes for number in answers.get(timeout=60)]
    assert len(set(numbers)) == 80
    assert names(tmp_path / "a") == names(tmp_path / "b") == sorted(f"version_{number}" for number in numbers)


@pytest.mark.full
def test_three_launches_of_two_processes_at_once(tmp_path: Path) -> None:
    line = [*LINE, "--trainer.devices", "2", "--trainer.strategy", "ddp", "--trainer.accelerator", "cpu"]
    program = [sys.executable, "-c", "from csl.cli import main; main()", "fit", *line]
    launches = [
        subprocess.Popen([*program, "--seed_everything", str(seed)], cwd=tmp_path, stderr=subprocess.PIPE)
        for seed in range(3)
    ]
    for launch in launches:
        _, error = launch.communicate(timeout=400)
        assert launch.returncode == 0, error.decode()
    runs = [tmp_path / DEFAULT / f"version_{number}" for number in range(3)]
    assert names(tmp_path / DEFAULT) == [run.name for run in runs]
    assert {Run(run).config["seed_everything"] for run in runs} == {0, 1, 2}
    assert all(Run(run).progress.epoch == 2 and set(curve(run, "train/loss")) == STEPS for run in runs)
