"""Processes that are spawned are sent the trainer with all that is in it."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from lightning.pytorch.loggers import TensorBoardLogger

from csl.callbacks import standard
from csl.callbacks.run_folder import RunFolder
from csl.runs import CONFIG, Run
from tests.commands.runs import SMALL


def test_what_every_run_has_can_be_sent_to_another_process(tmp_path: Path) -> None:
    callbacks = [RunFolder(tmp_path, [TensorBoardLogger(tmp_path)]), *standard()]
    sent = pickle.loads(pickle.dumps(callbacks))
    assert [type(callback) for callback in sent] == [type(callback) for callback in callbacks]


@pytest.mark.full
@pytest.mark.parametrize("strategy", ["ddp_spawn", "ddp_fork"])
def test_two_processes_that_are_not_launched_anew(tmp_path: Path, strategy: str) -> None:
    line = ["--trainer.strategy", strategy, "--trainer.devices", "2", "--trainer.accelerator", "cpu", *SMALL]
    program = [sys.executable, "-m", "csl", "fit", *line, "--trainer.max_epochs", "1", "--trainer.callbacks", "[]"]
    done = subprocess.run(program, cwd=tmp_path, capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr.decode()
    run = tmp_path / "lightning_logs" / "simclr-digits" / "version_0"
    assert (run / CONFIG).is_file()
    assert Run(run).progress.epoch == 1
