"""`csl fit --resume RUN` gives, bit for bit, the run that was never interrupted."""

import math
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from csl.commands.resume import find_run
from csl.runs import CONFIG, LAST, Run, find_versions
from tests.commands.runs import SMALL_MODEL, SMALL_TRAINER, comparable, csl, curves, failure

# Twelve steps of four an epoch; every step is logged, and one monitor is enough to see the curves.
RUN = ["--trainer.max_epochs", "3", "--data.batch_size", "350", "--trainer.log_every_n_steps", "1", *SMALL_TRAINER]
RUN += ["--trainer.check_val_every_n_epoch", "1"]
RUN += ["--trainer.callbacks", "csl.callbacks.OrganizationMetrics", *SMALL_MODEL]
METHODS = {
    "SimCLR": ["--model", "SimCLR", "--model.hidden_dim", "16", "--model.output_dim", "8"],
    "Supervised": ["--model", "Supervised", "--trainer.accumulate_grad_batches", "2"],
    "MoCo": ["--model", "MoCo", "--model.hidden_dim", "16", "--model.output_dim", "8", "--model.queue_size", "512"],
}

CTRL_C = """
import signal
from lightning.pytorch import Callback

class CtrlC(Callback):
    def __init__(self, at: int) -> None:
        self.at, self.pressed = at, False

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        if trainer.global_step == self.at and not self.pressed:
            self.pressed = True
            signal.raise_signal(signal.SIGINT)
"""


def run_of(folder: Path, version: int = 0) -> Path:
    (found,) = (folder / "lightning_logs").glob(f"*/version_{version}")
    return found


def checkpoint(run: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = torch.load(run / LAST, weights_only=True)
    return loaded


def interrupt(folder: Path, method: str, step: int) -> Path:
    """A run that Ctrl-C ended while it did its `step`-th step, from 0."""
    (folder / "pressed.py").write_text(CTRL_C)
    line = [*METHODS[method], *RUN, "--trainer.callbacks+", "pressed.CtrlC", "--trainer.callbacks.at", str(step)]
    failure(folder, "fit", *line)
    return run_of(folder)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Runs that nothing interrupted."""
    runs = {}
    for method, line in METHODS.items():
        folder = tmp_path_factory.mktemp(method)
        csl(folder, "fit", *line, *RUN)
        runs[method] = run_of(folder)
    return runs


def assert_same_run(run: Path, other: Path) -> None:
    ours, theirs = checkpoint(run), checkpoint(other)
    assert ours["global_step"] == theirs["global_step"]
    assert list(ours["state_dict"]) == list(theirs["state_dict"])
    for name, value in ours["state_dict"].items():
        assert torch.equal(value, theirs["state_dict"][name]), name
    states = (comparable(one["optimizer_states"]) for one in (ours, theirs))
    torch.testing.assert_close(*states, rtol=0, atol=0)
    assert curves(run) == curves(other)


# In the middle of epoch 2; in its last step, so that the run ends between two epochs; in the very first step.
@pytest.mark.parametrize(
    ("method", "step", "saved"), [("SimCLR", 5, 6), ("SimCLR", 7, 8), ("MoCo", 5, 6), ("MoCo", 0, 1)]
)
def test_a_resumed_run_is_the_whole_run(
    tmp_path: Path, whole: dict[str, Path], method: str, step: int, saved: int
) -> None:
    run = interrupt(tmp_path, method, step)
    assert checkpoint(run)["global_step"] == saved
    csl(tmp_path, "fit", "--resume", str(run))
    assert [path.name for path in run.parent.iterdir()] == ["version_0"]
    assert curves(run)["train/loss"].keys() == set(range(12))
    assert_same_run(run, whole[method])


def test_several_interruptions_are_still_the_whole_run(tmp_path: Path, whole: dict[str, Path]) -> None:
    run = interrupt(tmp_path, "SimCLR", 2)
    for step, saved in ((5, 6), (6, 7), (8, 9)):
        failure(tmp_path, "fit", "--resume", str(run), "--trainer.callbacks.at", str(step))
        assert checkpoint(run)["global_step"] == saved
    csl(tmp_path, "fit", "--resume", str(run))
    assert_same_run(run, whole["SimCLR"])


def test_ctrl_c_waits_for_gradients_that_are_being_accumulated(tmp_path: Path, whole: dict[str, Path]) -> None:
    run = interrupt(tmp_path, "Supervised", 2)
    assert checkpoint(run)["global_step"] == 3
    csl(tmp_path, "fit", "--resume", str(run))
    assert_same_run(run, whole["Supervised"])


def test_the_line_wins_over_the_runs_own_configuration(tmp_path: Path) -> None:
    run = interrupt(tmp_path, "SimCLR", 5)
    csl(tmp_path, "fit", "--resume", str(run), "--trainer.max_epochs", "4")
    assert checkpoint(run)["global_step"] == 16
    assert curves(run)["train/loss"].keys() == set(range(16))
    assert "max_epochs: 4" in (run / "config.yaml").read_text()


def test_a_finished_run_says_that_it_is_and_names_the_option_to_raise(whole: dict[str, Path]) -> None:
    run = whole["SimCLR"]
    before = (run / LAST).read_bytes()
    text = csl(run, "fit", "--resume", str(run))
    assert "has done 3 epochs and --trainer.max_epochs is 3" in text
    assert "--trainer.max_epochs 6" in text
    assert (run / LAST).read_bytes() == before
    finished = find_run(str(run)).finished
    assert "has done 3 epochs and --trainer.max_epochs is 3" in finished(3, -1)
    assert "has done 12 steps and --trainer.max_steps is 10" in finished(-1, 10)
    assert finished(4, 13) == finished(-1, -1) == finished(None, -1) == ""


def test_sigterm_ends_the_command_with_a_checkpoint_and_how_to_go_on(tmp_path: Path, whole: dict[str, Path]) -> None:
    (tmp_path / "pressed.py").write_text(CTRL_C.replace("SIGINT", "SIGTERM"))
    line = [*METHODS["SimCLR"], *RUN, "--trainer.callbacks+", "pressed.CtrlC", "--trainer.callbacks.at", "5"]
    status, _ = failure(tmp_path, "fit", *line)
    assert status == 1
    run = run_of(tmp_path)
    assert checkpoint(run)["global_step"] == 6
    csl(tmp_path, "fit", "--resume", str(run), "--trainer.callbacks.at", "-1")
    assert_same_run(run, whole["SimCLR"])


def test_a_damaged_checkpoint_and_a_folder_of_another_command_are_named(tmp_path: Path, whole: dict[str, Path]) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole["SimCLR"], run)
    (run / LAST).write_bytes((run / LAST).read_bytes()[:1000])
    status, message = failure(tmp_path, "fit", "--resume", "run")
    assert status == 1
    assert "last.ckpt" in message
    assert "is damaged" in message
    assert "Traceback" not in message
    other = tmp_path / "validate" / "version_0"
    other.mkdir(parents=True)
    (other / "config.yaml").touch()
    assert "is not the folder of a run of csl fit" in failure(tmp_path, "fit", "--resume", str(other))[1]


def test_kept_epochs_are_measured_and_predicted_from_but_not_trained_from(tmp_path: Path) -> None:
    keep = ["--trainer.callbacks+=RunCheckpoint", "--trainer.callbacks.keep_every_n_epochs", "2"]
    csl(tmp_path, "fit", *METHODS["SimCLR"], *RUN, *keep)
    run = Run(run_of(tmp_path))
    kept, last = run.checkpoint_files
    assert kept.name == "epoch_0002.ckpt"
    assert kept.stat().st_size < last.stat().st_size / 1.5
    files = ["--config", str(run.folder / CONFIG), "--ckpt_path", str(kept)]
    csl(tmp_path, "validate", *files)
    (again,) = find_versions(run.folder.parent / "validate")
    measured = run.scalars()["val/rld_0.1"][7]
    assert again.last_scalars()["val/rld_0.1"] == pytest.approx(measured, rel=1e-5)
    csl(tmp_path, "predict", *files, "--output", "features.npz")
    assert (tmp_path / "features.npz").is_file()
    status, message = failure(tmp_path, "fit", *files)
    assert status == 1
    assert "epoch_0002.ckpt holds weights alone" in message
    assert "Traceback" not in message


def test_a_checkpoint_of_another_method_is_refused(tmp_path: Path, whole: dict[str, Path]) -> None:
    line = ["--ckpt_path", str(whole["SimCLR"] / LAST), "--model", "MoCo", *RUN]
    status, message = failure(tmp_path, "fit", *line)
    assert status == 1
    assert "expected one of MoCo, got one of csl.methods.simclr.SimCLR" in message


def test_a_checkpoint_of_another_shape_is_refused(tmp_path: Path, whole: dict[str, Path]) -> None:
    line = ["--ckpt_path", str(whole["SimCLR"] / LAST), *METHODS["SimCLR"], *RUN, "--model.encoder.width", "3"]
    status, message = failure(tmp_path, "fit", *line)
    assert status == 1
    assert "does not fit the model" in message
    assert "encoder.layers.0.0.weight" in message
    assert len(message.splitlines()) <= 3, message


@pytest.mark.parametrize(("at", "saved"), [(2, 0), (10, 8)])
def test_a_killed_run_goes_on_from_its_last_epoch(tmp_path: Path, whole: dict[str, Path], at: int, saved: int) -> None:
    program = [sys.executable, "-c", "from csl.cli import main; main()", "fit", *METHODS["SimCLR"], *RUN]
    (tmp_path / "killed.py").write_text(CTRL_C.replace("SIGINT", "SIGKILL"))
    program += ["--trainer.callbacks+", "killed.CtrlC", "--trainer.callbacks.at", str(at)]
    process = subprocess.run(program, cwd=tmp_path, capture_output=True, timeout=120, check=False)
    assert process.returncode == -signal.SIGKILL, process.stderr.decode()
    run = run_of(tmp_path)
    assert (run / LAST).exists() == bool(saved)
    assert not saved or checkpoint(run)["global_step"] == saved
    time.sleep(1)  # logs that begin in one second are read in the order of their processes' numbers
    csl(tmp_path, "fit", "--resume", str(run), "--trainer.callbacks.at", "-1")
    assert_same_run(run, whole["SimCLR"])


def rates(run: Path) -> list[float]:
    return [rate for _, rate in sorted(curves(run)["train/lr"].items())]


def test_what_the_line_says_holds_from_there_on(tmp_path: Path, whole: dict[str, Path]) -> None:
    run = tmp_path / "version_0"
    shutil.copytree(whole["SimCLR"], run)
    optimization = ["lr=0.512", "warmup_epochs=0", "weight_decay=0.25", "momentum=0.5"]
    line = [f"--model.optimization.{option}" for option in optimization]
    csl(tmp_path, "fit", "--resume", str(run), "--trainer.max_epochs", "5", "--data.batch_size", "700", *line)
    # Three epochs of four steps are done; two of two follow, at twice the images a step.
    assert checkpoint(run)["global_step"] == 16
    new = [0.512 * 700 / 256 * (1 + math.cos(math.pi * step / 15)) / 2 for step in range(12, 16)]
    assert rates(run)[12:] == pytest.approx(new, rel=1e-6)
    assert rates(run)[:12] == rates(whole["SimCLR"])
    group = checkpoint(run)["optimizer_states"][0]["param_groups"][0]
    assert (group["weight_decay"], group["betas"][0]) == (0.25, 0.5)


def test_a_plain_resume_leaves_one_configuration_and_changed_options_keep_the_earlier_ones(tmp_path: Path) -> None:
    run = interrupt(tmp_path, "SimCLR", 5)
    first = (run / CONFIG).read_bytes()
    failure(tmp_path, "fit", "--resume", str(run), "--trainer.callbacks.at", "6")
    second = (run / CONFIG).read_bytes()
    csl(tmp_path, "fit", "--resume", str(run), "--model.optimization.lr", "0.5", "--trainer.max_epochs", "4")
    csl(tmp_path, "fit", "--resume", str(run), "--trainer.max_epochs", "5")
    assert "lr: 0.5" in (run / CONFIG).read_text()
    assert "max_epochs: 5" in (run / CONFIG).read_text()
    assert sorted(path.name for path in run.glob("config*")) == [
        "config-1.yaml",
        "config-2.yaml",
        "config-3.yaml",
        "config.yaml",
    ]
    assert (run / "config-1.yaml").read_bytes() == first
    assert (run / "config-2.yaml").read_bytes() == second
    assert "max_epochs: 4" in (run / "config-3.yaml").read_text()


def content(run: Path) -> dict[str, bytes]:
    return {str(path.relative_to(run)): path.read_bytes() for path in run.rglob("*") if path.is_file()}


BYOL_FILE = "model: {class_path: BYOL, init_args: {hidden_dim: 16, output_dim: 8}}"
# What cannot change, and what is refused later: data that are not there, another number of images than fits.
REFUSED = {
    "--model.encoder.width 8": "--model.encoder.width: expected 2, as in the run that is to go on, got 8",
    "--model.encoder ResNet": "--model.encoder: expected ConvNet, as in the run that is to go on, got ResNet",
    "--model.hidden_dim 8": "--model.hidden_dim: expected 16, as in the run that is to go on, got 8",
    "--model.optimization.optimizer sgd": "--model.optimization.optimizer: expected adamw, as in the run",
    "--data.source CIFAR10": "--data.source: expected Digits, as in the run that is to go on, got CIFAR10",
    "--model MoCo": "--model: expected SimCLR, as in the run that is to go on, got MoCo",
    "--config byol.yaml": "--model: expected SimCLR, as in the run that is to go on, got BYOL",
    "--data.batch_size 5000": "batch_size: expected 1 to 1400",
    "--trainer.accumulate_grad_batches 2": "trainer.accumulate_grad_batches: expected 1 for SimCLR",
}
UNFIT = """
from lightning.pytorch import Callback

class Unfit(Callback):
    def on_fit_start(self, trainer, module):  # after the weights were loaded
        raise KeyError("no use for it")
"""


@pytest.mark.parametrize("option", REFUSED)
def test_a_resume_that_is_refused_leaves_the_run_as_it_was(tmp_path: Path, whole: dict[str, Path], option: str) -> None:
    run = tmp_path / "version_0"
    shutil.copytree(whole["SimCLR"], run)
    (tmp_path / "byol.yaml").write_text(BYOL_FILE)
    before = content(run)
    status, message = failure(tmp_path, "fit", "--resume", str(run), "--trainer.max_epochs", "4", *option.split())
    assert status == 1
    assert REFUSED[option] in message
    assert content(run) == before
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["version_0"]


def test_a_resume_that_fails_late_leaves_the_run_as_it_was(tmp_path: Path, whole: dict[str, Path]) -> None:
    run = tmp_path / "version_0"
    shutil.copytree(whole["SimCLR"], run)
    (tmp_path / "unfit.py").write_text(UNFIT)
    before = content(run)
    line = ["--trainer.max_epochs", "4", "--trainer.callbacks+=unfit.Unfit"]
    with pytest.raises(KeyError, match="no use for it"):
        csl(tmp_path, "fit", "--resume", str(run), *line)
    assert content(run) == before


def test_other_images_are_refused_and_the_run_stays_as_it_was(tmp_path: Path, whole: dict[str, Path]) -> None:
    run = tmp_path / "version_0"
    shutil.copytree(whole["SimCLR"], run)
    before = content(run)
    line = ["--trainer.max_epochs", "4", "--data.source.seed", "3"]
    status, message = failure(tmp_path, "fit", "--resume", str(run), *line)
    assert status == 1
    assert "what is held out now may have been trained on" in " ".join(message.split())
    assert content(run) == before


def test_an_option_that_changes_no_weight_of_a_method_that_keeps_images_holds_from_there_on(tmp_path: Path) -> None:
    csl(tmp_path, "fit", "--model", "NPID", *RUN)
    run = run_of(tmp_path)
    csl(tmp_path, "fit", "--resume", str(run), "--trainer.max_epochs", "4", "--model.momentum", "0.9")
    assert Run(run).config["model"]["init_args"]["momentum"] == 0.9


def test_in_the_middle_of_an_epoch_its_deal_stays(tmp_path: Path) -> None:
    run = interrupt(tmp_path, "SimCLR", 5)
    _, message = failure(tmp_path, "fit", "--resume", str(run), "--data.batch_size", "100")
    assert "--data.batch_size: expected 350, as in the run that is to go on, got 100" in message
    assert "in the middle of an epoch" in message
