import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import load_file

import csl
from csl.callbacks import standard
from csl.callbacks.environment import commit
from csl.callbacks.facts import flat
from csl.data import Digits, ImageDataModule
from csl.encoders import ConvNet
from csl.io import load_checkpoint
from csl.methods import BYOL
from csl.runs import Run
from tests.callbacks.toy import toy_trainer
from tests.commands import runs
from tests.commands.runs import SMALL

LINE = "--trainer.max_epochs", "1", "--data.batch_size", "64", "--data.augmentation.rotation", "7"
QUICK = "--trainer.callbacks", "[OrganizationMetrics]"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("record")
    runs.csl(folder, "fit", *LINE, *QUICK, *SMALL, "--trainer.precision", "32-true")
    return Run(folder / "lightning_logs" / "simclr-digits" / "version_0")


def test_a_record_holds_what_a_methods_section_needs_resolved(run: Run) -> None:
    record = run.record
    assert record["method"]["class_path"] == "csl.methods.simclr.SimCLR"
    assert record["method"]["init_args"]["temperature"] == 0.2
    assert record["encoder"]["init_args"] == {"width": 2, "in_channels": 1} | {
        name: value for name, value in record["encoder"]["init_args"].items() if value is None
    }
    assert record["encoder"]["mean"] == pytest.approx([0.305])
    data = record["data"]
    assert data["image_size"] == 8
    assert data["read"]["sets"] == {"train": 1400, "val": 397}
    assert len(data["read"]["fingerprint"]) == 64
    (augmentation,) = data["augmentations"]
    assert (augmentation["views"], augmentation["rotation"], augmentation["translation"]) == (2, 7.0, 0.15)
    optimization = record["optimization"]
    assert (optimization["optimizer"], optimization["scaled_lr"]) == ("adamw", 0.004 * 64 / 256)
    assert (optimization["steps"], optimization["warmup_steps"]) == (21, 21)
    assert record["precision"] == "32-true"
    assert record["measuring"]["precision"] == "float32"


def test_a_leg_says_when_where_and_with_what_it_ran(run: Run) -> None:
    (leg,) = run.record["legs"]
    assert leg["status"] == "finished"
    assert (leg["epochs"], leg["steps"], leg["processes"]) == ([0, 1], [0, 21], 1)
    assert leg["seconds"] > 0
    assert leg["versions"]["torch"] == torch.__version__.partition("+")[0]
    assert leg["device"]
    assert leg["command"]


def test_hyperparameters_reach_the_logger(run: Run) -> None:
    known = yaml.safe_load((run.folder / "hparams.yaml").read_text())
    assert known["optimization/lr"] == 0.004
    assert known["optimization/scaled_lr"] == 0.001
    assert known["data/augmentations/0/rotation"] == 7.0
    assert known["precision"] == "32-true"


def test_a_run_that_goes_on_has_two_legs(run: Run) -> None:
    line = "--resume", str(run.folder), "--trainer.max_epochs", "2"
    runs.csl(run.folder, "fit", *line)
    legs = Run(run.folder).record["legs"]
    assert [leg["epochs"] for leg in legs] == [[0, 1], [1, 2]]
    assert [leg["status"] for leg in legs] == ["finished"] * 2


def test_the_encoder_is_loaded_from_the_folder_alone(run: Run) -> None:
    encoder, images = csl.load_encoder(run.folder), torch.rand(3, 1, 8, 8)
    assert isinstance(encoder, ConvNet)
    assert not encoder.training
    state = load_checkpoint(run.last)["state_dict"]
    plain = load_file(run.folder / "encoder.safetensors")
    assert set(plain) == set(encoder.state_dict())
    for name, value in encoder.state_dict().items():
        assert torch.equal(value, state[f"encoder.{name}"]), name
        assert torch.equal(value, plain[name]), name
    assert encoder(images).shape == (3, 16)
    with pytest.raises(ValueError, match=r"expected the checkpoint epoch_0007\.ckpt; there are last\.ckpt"):
        csl.load_encoder(run.folder, epoch=7)


def test_a_stem_that_followed_the_images_is_in_the_record(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 255, (12, 80, 90, 3), dtype=np.uint8)
    for number, image in enumerate(images):
        file = tmp_path / "photographs" / "ab"[number % 2] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(file)
    line = ["--data.source", "Folder", "--data.source.root", "photographs", "--data.batch_size", "4"]
    line += ["--model.encoder", "ResNet", "--model.encoder.depth", "10", "--trainer.max_steps", "1"]
    runs.csl(tmp_path, "fit", *line, "--trainer.callbacks", "[FeatureCollector]", *SMALL)
    folder = tmp_path / "lightning_logs/simclr-folder/version_0"
    assert Run(folder).record["encoder"]["init_args"]["stem"] == "imagenet"
    assert csl.load_encoder(folder)(torch.rand(2, 3, 80, 80)).shape == (2, 16)


def test_a_fit_begins_with_what_was_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        runs.csl(tmp_path, "fit", *LINE, *QUICK, *SMALL)
    told = [record.getMessage() for record in caplog.records]
    (line,) = [text for text in told if text.startswith("Digits: 1,797 images, 10 classes: 0, 1, 2")]
    assert "train 1,400, val 397 (held out: 397 images" in line


def test_a_failed_run_says_so(tmp_path: Path) -> None:
    class Faulty(BYOL):
        def training_loss(self, batch: Any) -> Any:
            if self.global_step == 2:
                raise RuntimeError("out of luck")
            return super().training_loss(batch)

    trainer = toy_trainer(tmp_path, standard())
    method = Faulty(ConvNet(width=2), hidden_dim=8, output_dim=4)
    with pytest.raises(RuntimeError, match="out of luck"):
        trainer.fit(method, ImageDataModule(Digits()))
    record = Run(tmp_path).record
    assert record["legs"][0]["status"] == "ended by RuntimeError"
    assert record["legs"][0]["steps"] == [0, 2]
    assert record["method"]["init_args"].get("missing") is None


def test_an_encoder_made_in_python_takes_its_weights(tmp_path: Path) -> None:
    trainer = toy_trainer(tmp_path, standard(), max_epochs=1, limit_train_batches=1)
    method = BYOL(ConvNet(width=2, in_channels=1), hidden_dim=8, output_dim=4)
    trainer.fit(method, ImageDataModule(Digits()))
    loaded = csl.load_encoder(tmp_path, encoder=ConvNet(width=2, in_channels=1))
    for name, value in method.encoder.state_dict().items():
        assert torch.equal(value, loaded.state_dict()[name]), name


def test_the_commit_of_a_folder_and_whether_it_was_changed(tmp_path: Path) -> None:
    assert commit(tmp_path) is None
    for words in (["init", "-q"], ["add", "."]):
        (tmp_path / "method.py").write_text("a = 1\n")
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    author = ["-c", "user.name=A", "-c", "user.email=a@b.c"]
    subprocess.run(["git", *author, "commit", "-qm", "one"], cwd=tmp_path, check=True)
    found = commit(tmp_path)
    assert found is not None
    assert (len(found["commit"]), found["changed"]) == (40, False)
    (tmp_path / "method.py").write_text("a = 2\n")
    assert commit(tmp_path) == {"commit": found["commit"], "changed": True}


def test_mappings_in_lists_become_names() -> None:
    assert dict(flat({"a": [{"b": 1}, {"b": [1, 2]}]})) == {"a/0/b": 1, "a/1/b": "[1, 2]"}
