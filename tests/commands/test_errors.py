"""Bad input ends before any training, with one message that names the thing."""

from pathlib import Path

import pytest
import torch

from tests.commands.images import write_folder
from tests.commands.runs import SMALL, SMALL_TRAINER, csl, failure


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["--model", "SimCRL"], ["--model: unknown name 'SimCRL'", "did you mean SimCLR?"]),
        (["--data.source", "Digit"], ["--data.source: unknown name 'Digit'", "did you mean Digits?"]),
        (["--model.encoder", "ResNt"], ["unknown name 'ResNt'", "did you mean ResNet?"]),
        (["--model.temprature", "0.1"], ["SimCLR has no option 'temprature'", "did you mean temperature?"]),
        (["--data.batchsize", "8"], ["unknown option --data.batchsize", "did you mean --data.batch_size?"]),
        (["--model", "my_file.Missing"], ["my_file"]),
        (["--model.temperature", "0"], ["temperature", "got 0"]),
        (["--model.optimization.lr", "-1"], ["lr: expected a number above 0"]),
        (["--data.batch_size", "2000"], ["batch_size", "2000", "1400"]),
        (["--trainer.accelerator", "gpu"], ["--trainer.accelerator: no GPU was found"]),
        (["--ckpt_path", "last"], ["--resume RUN"]),
        (["--ckpt_path", "none.ckpt"], ["ckpt_path: no file none.ckpt"]),
        (["--config", "none.yaml"], ["none.yaml"]),
        (
            ["--trainer.callbacks", "csl.callbacks.ProbeMonitor", "--trainer.callbacks.outputs", "[projecton]"],
            ["outputs: ProbeMonitor expected some of encoder, projection", "got projecton"],
        ),
        (["--seed_everything", "-1"], ["--seed_everything: expected a number from 0"]),
        (["--trainer.accumulate_grad_batches", "-1"], ["accumulate_grad_batches: expected at least 1, got -1"]),
        (["--trainer.gradient_clip_val", "-1"], ["gradient_clip_val: expected 0, for none, or more, got -1"]),
        (["--model.hidden_dim", "-1"], ["hidden_dim: expected a positive number, got -1"]),
        (["--data.image_size", "0"], ["image_size: expected a positive number of pixels, got 0"]),
        (["--data.memory_budget", "-1"], ["memory_budget: expected a number of GB from 0"]),
        (["--resume", "nowhere"], ["--resume: nowhere is not the folder of a run"]),
        (["--data.source", "Folder", "--data.source.root", "nowhere"], ["nowhere"]),
    ],
    ids=lambda value: " ".join(value) if value and value[0].startswith("--") else "",
)
def test_a_wrong_line_is_explained(tmp_path: Path, line: list[str], words: list[str]) -> None:
    status, message = failure(tmp_path, "fit", *line, *SMALL_TRAINER)
    assert status in (1, 2)
    for word in words:
        assert word in message
    assert "Traceback" not in message
    assert len(message.splitlines()) <= 6, message
    assert not list(tmp_path.rglob("*.ckpt")), "something was trained"


def test_an_unknown_command_is_explained(tmp_path: Path) -> None:
    assert failure(tmp_path, "fitt") == (2, "csl: error: unknown command 'fitt'; did you mean fit?\n")
    status, message = failure(tmp_path, "xyz")
    assert status == 2
    assert message.startswith("csl: error: unknown command 'xyz'; expected one of analyze, compare, fit,")


def test_help_before_a_command_is_the_commands_help(tmp_path: Path) -> None:
    page = csl(tmp_path, "help", "analyze")
    assert page.startswith("usage: csl analyze")
    assert page == csl(tmp_path, "analyze", "--help")
    assert csl(tmp_path, "help") == csl(tmp_path, "--help")
    assert csl(tmp_path, "predict", "--help").startswith("usage: csl predict [-c CONFIG]")


def test_a_misspelt_key_in_a_file_is_explained(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("data:\n  source: Digits\n  batchsize: 8\nmodel:\n  class_path: SimCLR\n")
    status, message = failure(tmp_path, "fit", "--config", "a.yaml", "--model.encoder", "ConvNet")
    assert status == 2
    assert "batchsize" in message
    assert "did you mean" in message


FOLDER = ["--data.source", "Folder", "--data.source.root", "images", "--data.batch_size", "4", *SMALL]


def folder_failure(tmp_path: Path) -> str:
    status, message = failure(tmp_path, "fit", "--model.encoder", "ConvNet", *FOLDER)
    assert status == 1
    assert "Traceback" not in message
    assert not list((tmp_path / "lightning_logs").rglob("*.ckpt"))
    return message


def test_a_corrupt_image_is_named(tmp_path: Path) -> None:
    write_folder(tmp_path / "images", classes=2, train=6, val=4)
    (tmp_path / "images" / "train" / "class_1" / "3.png").write_bytes(b"not an image")
    assert "class_1/3.png" in folder_failure(tmp_path)


def test_a_class_without_images_is_named(tmp_path: Path) -> None:
    write_folder(tmp_path / "images", classes=2, train=6, val=4)
    (tmp_path / "images" / "train" / "class_9").mkdir()
    assert "class_9" in folder_failure(tmp_path)


def test_different_classes_in_train_and_val_are_named(tmp_path: Path) -> None:
    write_folder(tmp_path / "images", classes=3, train=6, val=4)
    (tmp_path / "images" / "val" / "class_2").rename(tmp_path / "images" / "val" / "zebra")
    message = folder_failure(tmp_path)
    assert "zebra" in message
    assert "class_2" in message


def test_a_checkpoint_of_another_method_is_refused(tmp_path: Path) -> None:
    csl(tmp_path, "fit", "--trainer.max_epochs", "1", "--trainer.limit_val_batches", "0", *SMALL)
    checkpoint = next((tmp_path / "lightning_logs").rglob("last.ckpt"))
    line = ["--model", "MoCo", "--model.encoder.width", "2", *SMALL_TRAINER]
    status, message = failure(tmp_path, "validate", *line, "--ckpt_path", str(checkpoint))
    assert status == 1
    assert "expected one of MoCo, got one of csl.methods.simclr.SimCLR" in message


def test_a_diverged_run_stops_with_its_step(tmp_path: Path) -> None:
    (tmp_path / "diverges.py").write_text(
        "from csl.methods import SimCLR\n"
        "class Diverges(SimCLR):\n"
        "    def training_loss(self, batch):\n"
        "        loss = super().training_loss(batch)\n"
        "        return loss * float('nan') if self.global_step == 17 else loss\n"
    )
    line = ["--model", "diverges.Diverges", "--model.encoder", "ConvNet", "--trainer.limit_val_batches", "0"]
    status, message = failure(tmp_path, "fit", *line, *SMALL)
    assert status == 1
    assert "NaN or infinite at step 18" in message
    checkpoint = torch.load(next(tmp_path.rglob("last.ckpt")), weights_only=True)
    assert checkpoint["global_step"] == 10
