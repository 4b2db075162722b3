"""A loss is exchanged from the line, where its form fits."""

from pathlib import Path

import pytest
from torch import nn

from csl.runs import Run
from csl.study.rebuilt import rebuilt
from tests.commands.runs import SMALL, csl, curve

FEW = ["--trainer.max_epochs", "1", "--trainer.limit_train_batches", "2", "--trainer.limit_val_batches", "0"]
FEW += ["--trainer.log_every_n_steps", "1", *SMALL]


@pytest.mark.parametrize(
    ("method", "loss", "lowest"),
    [
        ("SimCLR", ["lightly.loss.DCLLoss", "--model.loss.temperature", "0.5"], -10),
        ("SimCLR", ["NTXentLoss", "--model.loss.temperature", "0.5"], 0),
        ("BYOL", ["lightly.loss.NegativeCosineSimilarity"], -2),
        ("MoCo", ["InfoNCELoss"], 0),
    ],
)
def test_a_loss_by_name(tmp_path: Path, method: str, loss: list[str], lowest: float) -> None:
    csl(tmp_path, "fit", "--model", method, "--model.loss", *loss, *FEW)
    (run,) = tmp_path.glob("lightning_logs/*/version_0")
    assert loss[0] in (run / "config.yaml").read_text()
    assert all(lowest < value < 20 for value in curve(run, "train/loss").values())


@pytest.mark.parametrize("method", ["SwAV", "MoCo"])
def test_of_a_loss_of_another_form_the_error_names_loss_and_method(tmp_path: Path, method: str) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        csl(tmp_path, "fit", "--model", method, "--model.loss", "lightly.loss.NTXentLoss", *FEW)
    assert caught.value.__notes__ == [
        f"--model.loss: lightly.loss.ntx_ent_loss.NTXentLoss was called as {method} calls its loss; "
        f"csl fit --model.help {method} says with what"
    ]


METRIC_LEARNING = "pytorch_metric_learning.losses"


@pytest.mark.parametrize(
    ("method", "name", "options", "other"),
    [
        ("SimCLR", "NTXentLoss", "temperature: 0.3", "lightly.loss.NTXentLoss"),
        ("SimCLR", "NTXentLoss", "temperature: 0.3", f"{METRIC_LEARNING}.NTXentLoss"),
        ("VICReg", "VICRegLoss", "", "lightly.loss.VICRegLoss"),
        ("DCL", "DCLLoss", "temperature: 0.3", "lightly.loss.DCLLoss"),
    ],
)
def test_a_librarys_loss_in_a_file_trains_as_ours_does(
    tmp_path: Path, method: str, name: str, options: str, other: str
) -> None:
    curves = []
    for loss in (f"csl.losses.{name}", other):
        file = tmp_path / f"{loss}.yaml"
        given = f"{{class_path: {loss}, init_args: {{{options}}}}}"
        if loss.startswith(METRIC_LEARNING):  # there, losses take labels; this one makes them of views
            given = f"{{class_path: {METRIC_LEARNING}.SelfSupervisedLoss, init_args: {{loss: {given}}}}}"
        file.write_text(f"model:\n  class_path: {method}\n  init_args:\n    loss: {given}\n")
        folder = tmp_path / loss
        folder.mkdir()
        csl(folder, "fit", "--config", str(file), "--trainer.precision", "32-true", *FEW)
        (run,) = folder.glob("lightning_logs/*/version_0")
        built = rebuilt(Run(run))[0].loss
        assert isinstance(built, nn.Module)
        assert type(built).__module__.startswith(loss.partition(".")[0]), "csl compare and csl map can build it again"
        curves.append(list(curve(run, "train/loss").values()))
    assert len(curves[0]) == 2
    assert curves[0] == pytest.approx(curves[1], rel=1e-5)
