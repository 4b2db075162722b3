"""Weights from a file, by an option of four commands."""

from pathlib import Path

import pytest
import torch
import yaml

from csl.encoders import ConvNet
from csl.runs import LAST
from tests.commands.runs import SMALL, SMALL_TRAINER, csl, failure

STILL = ["--model.optimization.lr", "1e-12", "--trainer.limit_val_batches", "0", "--trainer.max_epochs", "1"]


@pytest.fixture
def trained(tmp_path: Path) -> ConvNet:
    """A network whose weights are in `a.pth`, as MoCo's script would write them."""
    encoder = ConvNet(width=2, in_channels=1)
    state = {f"module.encoder_q.{name}": value for name, value in encoder.layers.state_dict(prefix="layers.").items()}
    torch.save({"state_dict": state}, tmp_path / "a.pth")
    return encoder


def test_a_fit_starts_from_them_the_momentum_copy_too_and_its_file_says_so(tmp_path: Path, trained: ConvNet) -> None:
    csl(tmp_path, "fit", "--model", "MoCo", "--weights", "a.pth", *STILL, *SMALL)
    run = tmp_path / "lightning_logs" / "moco-digits" / "version_0"
    state = torch.load(run / LAST, weights_only=True)["state_dict"]
    for name in ("encoder", "momentum_encoder"):
        found, expected = state[f"{name}.layers.0.0.weight"], trained.state_dict()["layers.0.0.weight"]
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert config["model"]["init_args"]["encoder"]["init_args"]["weights"] == "a.pth"
    assert "weights" not in config


def test_a_run_goes_on_and_is_measured_without_the_file_that_it_began_with(tmp_path: Path, trained: ConvNet) -> None:
    csl(tmp_path, "fit", "--weights=a.pth", *STILL, *SMALL)
    (tmp_path / "a.pth").unlink()
    run = tmp_path / "lightning_logs" / "simclr-digits" / "version_0"
    csl(tmp_path, "fit", "--resume", str(run), "--trainer.max_epochs", "2")
    assert torch.load(run / LAST, weights_only=True)["epoch"] == 1
    assert "weights: a.pth" in (run / "config.yaml").read_text()
    line = ["--config", str(run / "config.yaml"), "--ckpt_path", str(run / LAST)]
    csl(tmp_path, "predict", *line, "--trainer.logger", "false", "--output", "f.npz")
    assert (tmp_path / "f.npz").exists()


def test_weights_for_colour_serve_the_grey_digits(tmp_path: Path) -> None:
    torch.save(ConvNet(width=2).state_dict(), tmp_path / "colour.pth")
    line = ["--model", "Frozen", "--model.encoder.width", "2", "--weights", "colour.pth", *SMALL_TRAINER]
    csl(tmp_path, "predict", *line, "--trainer.logger", "false", "--output", "f.npz")
    assert (tmp_path / "f.npz").exists()


def test_a_network_of_another_width_says_which(tmp_path: Path, trained: ConvNet) -> None:
    status, message = failure(tmp_path, "validate", "--weights", "a.pth", "--model.encoder.width", "4")
    assert status == 1
    assert "The file's network has width: 2; give the encoder the same" in message
    assert "Traceback" not in message


@pytest.mark.parametrize("command", ["fit", "validate", "test", "predict"])
def test_the_page_of_each_command_has_it(tmp_path: Path, command: str) -> None:
    assert "--weights FILE" in csl(tmp_path, command, "--help")


def test_in_a_file_it_stands_with_the_encoder(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("weights: a.pth\n")
    status, message = failure(tmp_path, "fit", "--config", "a.yaml", *SMALL)
    assert status == 1
    assert "weights: expected it below model.encoder in a file" in message


def test_a_file_that_is_not_there_is_named_with_the_option(tmp_path: Path) -> None:
    status, message = failure(tmp_path, "validate", "--weights", "none.pth", *SMALL)
    assert status == 1
    assert "expected a file of weights, got none.pth, no file of this machine" in message
    assert "Traceback" not in message
