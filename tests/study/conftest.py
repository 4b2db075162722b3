"""A small run with a checkpoint of each epoch, trained once."""

from pathlib import Path

import pytest

from tests.commands.runs import SMALL, csl


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of two epochs; do not write to it."""
    folder = tmp_path_factory.mktemp("study")
    keep = ["--trainer.callbacks", "RunCheckpoint", "--trainer.callbacks.keep_every_n_epochs", "1"]
    csl(folder, "fit", *SMALL, *keep, "--trainer.max_epochs", "2")
    return folder / "lightning_logs" / "simclr-digits" / "version_0"
