"""A data module of the user's own, by its class, on the line or in a file."""

from pathlib import Path

import pytest
import yaml

from tests.commands.runs import SMALL_TRAINER, csl, curves, failure

MODULES = """
import torch
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader

from csl.data import ImageDataModule, ImageSource


class Plain(LightningDataModule):
    num_classes = 3

    def __init__(self, batch_size: int = 8, views: int = 1, reference: bool = True) -> None:
        super().__init__()
        self.batch_size, self.views, self.reference = batch_size, views, reference

    def _loader(self, count, views=1):
        images = torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(count))
        pairs = [([image] * views if views > 1 else image, i % 3) for i, image in enumerate(images)]
        return DataLoader(pairs, batch_size=self.batch_size)

    def train_dataloader(self):
        return self._loader(32, self.views)

    def val_dataloader(self):
        return [self._loader(32), self._loader(12)] if self.reference else self._loader(12)

    def test_dataloader(self):
        return [self._loader(32), self._loader(9)]

    def predict_dataloader(self):
        return self._loader(9)


class Ours(ImageDataModule):
    def __init__(self, source: ImageSource, batch_size: int = 64, seed: int = 0) -> None:
        super().__init__(source, batch_size=batch_size, seed=seed)
"""
QUICK = [*SMALL_TRAINER, "--trainer.max_epochs", "1", "--trainer.callbacks", "OrganizationMetrics"]
CONVNET = ["--model.encoder", "ConvNet", "--model.encoder.width", "2"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own_data.py").write_text(MODULES)
    return tmp_path


def test_a_data_module_by_its_class_trains_and_its_run_is_measured_resumed_and_encoded(folder: Path) -> None:
    line = ["--data", "own_data.Plain", "--data.batch_size", "16", "--model", "Supervised", *CONVNET, *QUICK]
    printed = csl(folder, "fit", *line)
    run = folder / "lightning_logs" / "supervised-plain" / "version_0"
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert config["data"]["class_path"] == "own_data.Plain"
    assert config["data"]["init_args"]["batch_size"] == 16
    record = yaml.safe_load((run / "record.yaml").read_text())
    assert record["optimization"]["global_batch_size"] == 16
    assert record["data"] == {
        "class_path": "own_data.Plain",
        "init_args": {"batch_size": 16, "views": 1, "reference": True},
    }
    table = printed[printed.index("rld_0.1") :].splitlines()[0].split()
    assert csl(folder, "validate", str(run), *SMALL_TRAINER).count(" ".join(table[1:2])) >= 1
    assert "rld_0.1" in csl(folder, "test", str(run), *SMALL_TRAINER)
    assert "9 features of 16 dimensions" in csl(folder, "predict", str(run), *SMALL_TRAINER)
    csl(folder, "fit", "--resume", str(run), "--trainer.max_epochs", "2")
    assert list(curves(run)["val/rld_0.1"]) == [1, 3]


def test_a_data_module_stands_in_a_file_and_the_line_wins_over_it(folder: Path) -> None:
    (folder / "own.yaml").write_text("data: {class_path: own_data.Plain, init_args: {batch_size: 16, views: 2}}")
    line = ["--config", "own.yaml", "--data.reference", "false", "--data.batch_size", "8", *CONVNET, *QUICK]
    csl(folder, "fit", *line, "--model.hidden_dim", "8", "--model.output_dim", "4")
    scalars = curves(folder / "lightning_logs" / "simclr-plain" / "version_0")
    assert list(scalars["val/rld_0.1"]) == [3]
    assert "train/rld_0.1" not in scalars


def test_a_method_that_wants_views_says_what_the_loader_lacks(folder: Path) -> None:
    status, message = failure(folder, "fit", "--data", "own_data.Plain", *CONVNET, *QUICK)
    assert status == 1
    assert "batch.views: expected 2 views for SimCLR, got 1: a loader of (images, labels) holds one view" in message


@pytest.mark.parametrize("name", ["own_data.Ours", "ImageDataModule"])
def test_a_class_of_csls_kind_follows_the_source_and_the_seed(folder: Path, name: str) -> None:
    line = ["--data", name, "--data.batch_size", "100", "--seed_everything", "3", *QUICK, "--model.encoder.width", "2"]
    csl(folder, "fit", *line)
    run = folder / "lightning_logs" / "simclr-digits" / "version_0"
    record = yaml.safe_load((run / "record.yaml").read_text())
    assert (record["data"]["batch_size"], record["data"]["seed"], record["data"]["channels"]) == (100, 3, 1)
    assert "RLD(0.1)" in csl(folder, "sweep", str(run))


def test_what_needs_csls_images_says_so(folder: Path) -> None:
    csl(folder, "fit", "--data", "own_data.Plain", "--model", "Supervised", *CONVNET, *QUICK)
    run = "lightning_logs/supervised-plain/version_0"
    _, message = failure(folder, "sweep", run)
    assert f"{run}: expected the images of a csl.data.ImageDataModule, got those of own_data.Plain" in message


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["--data", "own_data.Plan"], "--data: own_data has no class 'Plan'; did you mean Plain?"),
        (["--data", "own_data.Plain", "--data.batch", "3"], "--data.batch: Plain has no option 'batch'"),
    ],
)
def test_wrong_names_are_answered_with_the_right_ones(folder: Path, line: list[str], message: str) -> None:
    assert message in failure(folder, "fit", *line)[1]


def test_the_options_of_an_own_class_have_a_page(folder: Path) -> None:
    assert "--data.batch_size BATCH_SIZE" in csl(folder, "fit", "--data.help", "own_data.Plain")
