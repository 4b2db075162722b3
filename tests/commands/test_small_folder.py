"""Every method trains on 128 images of 32 pixels, 32 at a time, by its name alone."""

import math
from pathlib import Path

import pytest

from tests.commands.images import write_folder
from tests.commands.runs import SMALL_TRAINER, csl, curve
from tests.methods.toy import METHODS

ONCE = ["--data.batch_size", "32", "--trainer.max_epochs", "1", "--trainer.log_every_n_steps", "1"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("images")
    write_folder(root, classes=4, train=32, val=8, size=32)
    return root


def train(name: str, folder: Path, runs: Path, *options: str) -> Path:
    """Train for an epoch, in which the loss of every step is a number; gives the run."""
    source = ["--data.source", "Folder", "--data.source.root", str(folder)]
    csl(runs, "fit", "--model", name, *source, *ONCE, *SMALL_TRAINER, *options)
    (run,) = runs.glob("lightning_logs/*/version_0")
    found = list(curve(run, "train/loss").values())
    assert len(found) == 4
    assert all(map(math.isfinite, found)), found
    return run


@pytest.mark.parametrize("name", METHODS)
def test_a_narrow_network_trains_on_few_small_images(name: str, folder: Path, tmp_path: Path) -> None:
    narrow = ["--model.encoder.width", "8", "--trainer.callbacks", "[]", "--trainer.limit_val_batches", "0"]
    train(name, folder, tmp_path, *narrow)


@pytest.mark.full
@pytest.mark.parametrize("name", METHODS)
def test_a_name_is_enough(name: str, folder: Path, tmp_path: Path) -> None:
    (accuracy,) = curve(train(name, folder, tmp_path), "val/knn_accuracy").values()
    assert 0 <= accuracy <= 1


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("SimCLR", ["chosen: --model.encoder ResNet"]),
        ("MoCo", ["chosen: --model.encoder ResNet", "queue_size: 64, half of the 128 training images"]),
        ("NNCLR", ["queue_size: 64, half of the 128 training images"]),
        ("WMSE", ["output_dim: 16 of 64 outputs are whitened, half of a batch of 32"]),
        ("CMC", ["--model.encoder LabResNet", "--data.augmentation.gray_probability 0.0"]),
        ("MAE", ["--model.encoder ViT --model.encoder.dropout 0.0"]),
    ],
)
def test_what_is_chosen_is_said(
    name: str, said: list[str], folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    narrow = ["--model.encoder.width", "8", "--trainer.callbacks", "[]", "--trainer.limit_val_batches", "0"]
    train(name, folder, tmp_path, *narrow)
    for part in said:
        assert part in caplog.text


def test_what_is_given_is_not_said(folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    narrow = ["--model.encoder", "LabResNet", "--model.encoder.width", "8", "--trainer.callbacks", "[]"]
    more = ["--data.augmentation.gray_probability", "0.1", "--trainer.limit_val_batches", "0"]
    train("CMC", folder, tmp_path, *narrow, *more)
    assert "chosen: --data.augmentation.jitter_probability 0.0\n" in caplog.text
    caplog.clear()
    csl(tmp_path, "fit", "--model.help", "SimCLR")
    assert "chosen" not in caplog.text
