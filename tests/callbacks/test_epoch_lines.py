"""What a fit prints where nobody watches a bar."""

import io
import logging
import re
import sys
from pathlib import Path

import pytest
from lightning.pytorch import LightningModule, Trainer
from tqdm import tqdm

from csl.callbacks import EpochLines
from csl.commands.speech import BesideBars
from tests.commands.runs import csl

LINE = "--trainer.max_epochs", "3", "--trainer.check_val_every_n_epoch", "2", "--model.encoder.width", "2"


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> str:
    callbacks = "--trainer.callbacks", "[OrganizationMetrics]"
    return csl(tmp_path_factory.mktemp("lines"), "fit", *LINE, *callbacks, "--model.hidden_dim", "16")


def test_a_redirected_fit_prints_one_line_an_epoch(printed: str) -> None:
    lines = [line for line in printed.splitlines() if line.startswith("epoch ")]
    assert len(lines) == 3
    number = r"-?\d+\.\d{4}"
    assert re.fullmatch(rf"epoch 1 of 3: train/loss {number} \(\d+\.\d s\)", lines[0])
    assert re.fullmatch(rf"epoch 2 of 3: train/loss {number}, val/rld_0.1 {number} \(\d+\.\d s\)", lines[1])


def test_an_epoch_that_a_resumed_run_is_in_the_middle_of_has_its_time_too(capsys: pytest.CaptureFixture[str]) -> None:
    lines, trainer = EpochLines(), Trainer(accelerator="cpu", logger=False, max_epochs=3, enable_progress_bar=False)
    module = LightningModule()
    lines.setup(trainer, module, "fit")
    lines.on_train_start(trainer, module)
    lines.on_train_epoch_end(trainer, module)
    assert re.fullmatch(r"epoch 1 of 3: \(0\.\d s\)", capsys.readouterr().out.strip())


def test_no_frame_of_a_bar_is_left(printed: str) -> None:
    assert "\r" not in printed
    assert "it/s" not in printed


def test_the_last_line_names_the_runs_own_folder(printed: str) -> None:
    folder = Path("lightning_logs") / "simclr-digits" / "version_0"
    assert printed.splitlines()[-1] == f"The run is in {folder}; to measure it again: csl validate {folder}"


def test_messages_stand_above_the_bar() -> None:
    screen = io.StringIO()
    log = logging.Logger("above")
    log.addHandler(BesideBars(screen))
    with tqdm(total=2, file=screen, ncols=40) as bar:
        bar.update(1)
        bar.refresh()
        log.info("a message")
    before, after = screen.getvalue().split("a message\n")
    assert before.rpartition("\r")[2] == ""  # the bar was wiped
    assert "1/2" in after
    assert sys.stderr is not screen
