"""What cannot work is said in one message, before it costs a run where that can be known, and never by a traceback."""

from pathlib import Path

import pytest
import torch

from tests.commands.runs import SMALL, SMALL_TRAINER, csl, curve, failure

PLAIN = ["--trainer.callbacks", "[FeatureCollector]", "--trainer.max_epochs", "1", *SMALL]
STEPS = "from csl.methods import Method\nclass Mine(Method):\n    def training_loss(self, batch):\n"
SKIPS = f"{STEPS}        return self.encoder(batch.views[0]).square().mean()\n"
SKIPS += "    def training_step(self, batch, batch_idx):\n"
SKIPS += "        return super().training_step(batch, batch_idx) if batch_idx % 2 else None\n"


def said(folder: Path, *line: str) -> str:
    status, text = failure(folder, *line)
    assert status == 1
    *_, last, hint = text.splitlines()
    assert hint == "(CSL_TRACEBACK=1 shows where it was raised)"
    return last.removeprefix(f"csl {line[0]}: error: ")


@pytest.mark.parametrize("command", ["fit", "validate", "predict"])
def test_a_checkpoint_of_another_project_is_told_from_weights(tmp_path: Path, command: str) -> None:
    torch.save({"model": {"weight": torch.zeros(2)}}, tmp_path / "foreign.ckpt")
    assert said(tmp_path, command, "--ckpt_path", "foreign.ckpt", *SMALL) == (
        "--ckpt_path: expected a checkpoint of a csl run, got foreign.ckpt with model; weights of other projects are "
        "loaded by --weights foreign.ckpt"
    )


@pytest.mark.parametrize("watcher", ["EarlyStopping", "ModelCheckpoint"])
def test_a_wrong_name_to_watch_is_answered_with_the_names_there_are(tmp_path: Path, watcher: str) -> None:
    watch = ["--trainer.callbacks+", watcher, "--trainer.callbacks.monitor", "train/los"]
    text = said(tmp_path, "fit", *PLAIN, *watch)
    assert text == (
        "--trainer.callbacks.monitor: expected what this run logs (train/loss, train/lr), got 'train/los'; "
        "did you mean train/loss?"
    )


@pytest.mark.parametrize("finder", ["LearningRateFinder", "BatchSizeFinder"])
def test_finders_are_refused_before_they_change_a_run(tmp_path: Path, finder: str) -> None:
    text = said(tmp_path, "fit", *PLAIN, "--trainer.callbacks+", f"lightning.pytorch.callbacks.{finder}")
    assert text.startswith(f"callbacks: expected no {finder}, which ")


def test_bare_bones_leave_nothing_of_a_run(tmp_path: Path) -> None:
    text = said(tmp_path, "fit", *PLAIN, "--trainer.barebones", "true")
    assert text.startswith("trainer.barebones: expected false, as it allows no logger, no checkpoint and no callback")
    assert not (tmp_path / "lightning_logs").exists()


def test_batches_of_one_image(tmp_path: Path) -> None:
    text = said(tmp_path, "fit", *PLAIN, "--data.batch_size", "1")
    assert text == "--data.batch_size: expected 2 or more images for each process, which batch norm compares, got 1"


def test_images_of_a_size_that_the_network_does_not_take(tmp_path: Path) -> None:
    encoder = ["--model.encoder", "Timm", "--model.encoder.name", "vit_tiny_patch16_224", "--data.image_size", "32"]
    text = said(tmp_path, "fit", "--trainer.callbacks", "[FeatureCollector]", *encoder, *SMALL_TRAINER)
    assert text == (
        "images: expected 224 by 224 pixels for Timm(image_size=224), got 32 by 32 (data.image_size says how many)"
    )


def test_a_launcher_that_started_more_processes_than_the_trainer_uses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"TORCHELASTIC_RUN_ID": "a", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    for devices in ("auto", "1"):
        text = said(tmp_path, "fit", *PLAIN, "--trainer.accelerator", "cpu", "--trainer.devices", devices)
        assert text.endswith(
            f"devices: expected 2, as torchrun started 2 processes, got {devices}: "
            "--trainer.devices 2 --trainer.num_nodes 1 --trainer.strategy ddp"
        )


def test_a_loss_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "no_loss.py").write_text(f"{STEPS}        return None\n")
    line = ["fit", "--model", "no_loss.Mine", "--model.encoder.width", "2", *SMALL_TRAINER]
    assert said(tmp_path, *line, "--trainer.callbacks", "[FeatureCollector]") == (
        "training_loss: expected a scalar tensor or a csl.methods.Step, got NoneType"
    )


def test_a_training_step_that_returns_none_leaves_its_batch_out(tmp_path: Path) -> None:
    (tmp_path / "skips.py").write_text(SKIPS)
    line = ["fit", "--model", "skips.Mine", "--model.encoder.width", "2", "--trainer.log_every_n_steps", "1"]
    text = csl(tmp_path, *line, *SMALL_TRAINER, "--trainer.callbacks", "[FeatureCollector]", "--trainer.max_steps", "4")
    assert "Mine after step 4" in text or "Mine after epoch" in text
    losses = curve(tmp_path / "lightning_logs/mine-digits/version_0", "train/loss")
    assert 0 not in losses  # the first batch is left out
    assert 1 in losses


def test_no_steps_are_logged_where_none_are_asked_for(tmp_path: Path) -> None:
    text = csl(tmp_path, "fit", *PLAIN, "--trainer.log_every_n_steps", "0")
    assert "SimCLR after epoch 1" in text


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_networks_with_auxiliary_outputs_in_training(name: str) -> None:
    import torchvision

    from csl.encoders import Backbone

    network = getattr(torchvision.models, name)(weights=None, init_weights=False, aux_logits=True)
    encoder = Backbone(network).train()
    size = encoder.image_size or 96
    assert encoder(torch.rand(2, 3, size, size)).shape == (2, encoder.feature_dim)
