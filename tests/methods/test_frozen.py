import logging
from pathlib import Path

import pytest
import torch
import torchvision
from PIL import Image

from csl.encoders import ConvNet, Pixels
from csl.methods import Frozen, SimCLR
from tests.commands.images import write_folder
from tests.commands.runs import SMALL_TRAINER, csl, failure
from tests.methods.toy import ONE, ToyData, toy_batch, toy_trainer, weights

LINE = ["--model", "Frozen", *SMALL_TRAINER]


def test_a_fit_is_refused_with_what_to_do_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"Frozen trains nothing.*csl validate --model Frozen.*csl fit --model SimC"):
        toy_trainer().fit(Frozen(ConvNet(width=2)), datamodule=ToyData(ONE))
    status, message = failure(tmp_path, "fit", *LINE)
    assert status == 1
    assert "csl fit: error: Frozen trains nothing, it measures an encoder as it is" in message
    assert not list(tmp_path.iterdir())


def test_measuring_moves_no_weight() -> None:
    method = Frozen(torchvision.models.resnet18())
    before = weights(method)
    toy_trainer(limit_val_batches=1.0).validate(method, datamodule=ToyData(ONE), verbose=False)
    torch.testing.assert_close(weights(method), before, rtol=0, atol=0)


def test_there_is_no_loss() -> None:
    with pytest.raises(NotImplementedError, match="Frozen has no loss"):
        Frozen(ConvNet(width=2)).training_loss(toy_batch([0], ONE))


def test_random_weights_are_said_to_be(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "csl")
    for method, said in ((Frozen(ConvNet(width=2)), True), (Frozen(Pixels(3, 8)), False)):
        caplog.clear()
        toy_trainer(limit_val_batches=1.0).validate(method, datamodule=ToyData(ONE), verbose=False)
        assert ("the encoder's weights are random: give those to be measured" in caplog.text) == said


def test_a_folder_is_measured_through_a_foreign_network_in_its_own_form(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    timm = pytest.importorskip("timm")
    caplog.set_level(logging.INFO, "csl")
    write_folder(tmp_path / "images", classes=3, train=12, val=6, size=200)
    model = timm.create_model("test_vit", num_classes=5)
    torch.save(
        {"teacher": {f"backbone.{name}": value for name, value in model.state_dict().items()}}, tmp_path / "a.pth"
    )
    line = [*LINE, "--model.encoder", "Timm", "--model.encoder.name", "test_vit", "--weights", "a.pth"]
    line += ["--data.source", "Folder", "--data.source.root", "images"]
    text = csl(tmp_path, "validate", *line)
    assert "Frozen on the validation images" in text
    assert {"rld_0.1", "calinski_harabasz", "knn_accuracy", "linear_accuracy", "gcn_accuracy"} <= set(text.split())
    assert "tensors of Timm from a.pth, whose names begin with teacher.backbone." in caplog.text
    csl(tmp_path, "predict", *line, "--trainer.logger", "false", "--output", "f.npz", "--trainer.precision", "32-true")
    assert _features(tmp_path / "f.npz", tmp_path / "images", model)


def _features(file: Path, images: Path, model: torch.nn.Module) -> bool:
    """Whether features are those that the model gives of images in timm's own transform."""
    from csl.io import load_features

    data = pytest.importorskip("timm.data")
    transform = data.create_transform(**data.resolve_data_config(model=model))
    files = sorted((images / "val").glob("*/*.png"))
    views = torch.stack([transform(Image.open(file)) for file in files])
    model.reset_classifier(0)  # type: ignore[operator]
    with torch.no_grad():
        torch.testing.assert_close(load_features(file).values, model.eval()(views), rtol=1e-4, atol=1e-5)
    return True


def test_another_methods_checkpoint_is_measured_through_weights(tmp_path: Path) -> None:
    toy_trainer(max_epochs=1).fit(method := SimCLR(ConvNet(width=2), 16, 8), datamodule=ToyData())
    torch.save({"state_dict": method.state_dict()}, tmp_path / "last.ckpt")
    line = [*LINE, "--model.encoder.width", "2"]
    assert "Frozen on the validation images" in csl(tmp_path, "validate", *line, "--weights", "last.ckpt")
    status, message = failure(tmp_path, "validate", *line, "--weights", "last.ckpt", "--ckpt_path", "last.ckpt")
    assert status == 1
    assert "--weights: expected no --ckpt_path beside it" in message
