"""A plain module of torch as an encoder, by its class path on the line."""

import logging
from pathlib import Path

import pytest
import torch
import torchvision

from csl.io import load_features
from tests.commands.images import write_folder
from tests.commands.runs import SMALL_TRAINER, csl, failure

MODULE = """
from torch import nn
class MyNet(nn.Sequential):
    def __init__(self, width: int = 4):
        super().__init__(nn.Conv2d(3, width, 3), nn.ReLU())
"""
IMAGES = ["--data.source", "Folder", "--data.source.root", "images", "--trainer.precision", "32-true"]
LINE = ["--model", "Frozen", *SMALL_TRAINER, *IMAGES]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_folder(tmp_path / "images", classes=3, train=8, val=4)
    (tmp_path / "my_net_of_a_folder.py").write_text(MODULE)
    return tmp_path


@pytest.mark.parametrize("name", ["my_net_of_a_folder.MyNet", "my_net_of_a_folder.py:MyNet"])
def test_it_is_measured(folder: Path, name: str) -> None:
    text = csl(folder, "validate", *LINE, "--model.encoder", name, "--model.encoder.width", "6")
    assert "Frozen on the validation images" in text
    assert {"rld_0.1", "knn_accuracy"} <= set(text.split())


def test_it_is_trained(folder: Path) -> None:
    line = ["--model.hidden_dim", "16", "--model.output_dim", "8", "--data.batch_size", "8", *SMALL_TRAINER, *IMAGES]
    csl(folder, "fit", "--model.encoder", "my_net_of_a_folder.MyNet", *line, "--trainer.max_epochs", "1")
    run = folder / "lightning_logs" / "simclr-folder" / "version_0"
    assert "my_net_of_a_folder" in (run / "config.yaml").read_text()


def test_it_takes_weights(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "csl")
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 6, 3), torch.nn.ReLU())
    torch.save({"state_dict": {f"module.{name}": value for name, value in net.state_dict().items()}}, folder / "a.pth")
    line = [*LINE, "--model.encoder=my_net_of_a_folder.MyNet", "--model.encoder.width", "6", "--weights", "a.pth"]
    csl(folder, "predict", *line, "--trainer.logger", "false", "--output", "f.npz")
    assert "weights: 2 of 2 tensors of Backbone from a.pth, whose names begin with state_dict.module." in caplog.text
    assert load_features(folder / "f.npz").values.shape == (12, 6)
    status, message = failure(folder, "validate", *line, "--model.encoder.width", "7")
    assert status == 1
    assert "weights: expected 0.weight of shape [7, 3, 3, 3] for Backbone, got [6, 3, 3, 3] in a.pth" in message


def test_a_function_of_torchvision_takes_a_file_not_its_own_weights(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "csl")
    torch.save(torchvision.models.resnet18().state_dict(), folder / "r.pth")
    line = [*LINE, "--model.encoder", "torchvision.models.resnet18", "--weights", "r.pth"]
    assert "Frozen on the validation images" in csl(folder, "validate", *line)
    assert "weights: 100 of 100 tensors of Backbone from r.pth" in caplog.text
    assert "heads left out: fc" in caplog.text
