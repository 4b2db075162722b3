"""A method of the user's own, in a file of the user's own, is a method like ours: the one of the tutorial."""

from pathlib import Path

import pytest

from tests.commands.runs import SMALL, csl, curve
from tests.commands.test_training import SCALARS
from tests.pages import ROOT, block_with

SIMSIAM = block_with(ROOT / "docs" / "tutorials" / "method.md", "class SimSiam")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "my_simsiam.py").write_text(SIMSIAM)
    length = ["--trainer.max_epochs", "2", "--trainer.check_val_every_n_epoch", "1"]
    csl(tmp_path, "fit", "--model", "my_simsiam.SimSiam", *length, *SMALL)
    return tmp_path / "lightning_logs" / "simsiam-digits" / "version_0"


def test_it_trains_with_every_monitor_and_is_measured_again_from_its_checkpoint(tmp_path: Path, run: Path) -> None:
    for name in SCALARS:
        assert list(curve(run, name)) == [9, 19], name
    losses = curve(run, "train/loss")
    assert all(-1 <= loss <= 1 for loss in losses.values())
    config, checkpoint = run / "config.yaml", run / "checkpoints" / "last.ckpt"
    assert "class_path: my_simsiam.SimSiam" in config.read_text()
    assert "hidden_dim: 16" in config.read_text()
    csl(tmp_path, "validate", "--config", str(config), "--ckpt_path", str(checkpoint))
    again = run.parent / "validate" / "version_0"
    (value,) = curve(again, "val/gcn_accuracy").values()
    assert value == pytest.approx(curve(run, "val/gcn_accuracy")[19], rel=1e-5)


def test_its_class_can_be_chosen_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "my_simsiam.py").write_text(SIMSIAM)
    (tmp_path / "experiment.yaml").write_text(
        "model:\n  class_path: my_simsiam.SimSiam\n  init_args:\n    encoder: ConvNet\n    output_dim: 32\n"
        "data:\n  source: Digits\n"
    )
    text = csl(tmp_path, "fit", "--config", "experiment.yaml", "--print_config")
    assert "output_dim: 32" in text
    assert "lr: 0.05" in text
