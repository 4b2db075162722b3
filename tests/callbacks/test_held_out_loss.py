"""`val/loss`: the training loss of held-out images, which moves nothing."""

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule
from torch import Tensor

from csl.callbacks import FeatureCollector, HeldOutLoss
from csl.data import ImageDataModule
from csl.methods import Method
from csl.methods.step import as_step
from tests.commands.runs import SMALL, csl, curve
from tests.data.toy import Looker, ToySource
from tests.methods.toy import METHODS, ToyData, toy_method, toy_trainer, weights
from tests.promises.processes import as_a_rank, trainer
from tests.two_processes import TwoProcesses


def measured(name: str) -> tuple[Tensor, Method, ImageDataModule]:
    """`val/loss` of a method on 21 held-out images, in batches of 8."""
    method, data = toy_method(name), ImageDataModule(ToySource(num_train=32, num_val=21), batch_size=8, seed=3)
    run = trainer(FeatureCollector(), HeldOutLoss(), precision="64-true")
    run.validate(method, data, verbose=False)
    return run.callback_metrics["val/loss"], method, data


def _but_the_window(method: Method) -> dict[str, Tensor]:
    return {key: value for key, value in weights(method).items() if not key.endswith((".mean", ".std"))}


def value(name: str) -> Tensor:
    return as_a_rank(measured, name)[0]  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", [name for name, kind in METHODS.items() if kind.has_held_out_loss])
def test_it_is_the_loss_in_evaluation_mode_and_moves_nothing(two_processes: TwoProcesses, name: str) -> None:
    loss, method, data = measured(name)
    before, after = (_but_the_window(one) for one in (toy_method(name), method.float()))
    torch.testing.assert_close(after, before, rtol=0, atol=0)
    assert len({int(i) for batch in data.augmented_batches() for i in batch.index}) == 16
    losses = []
    for batch in data.augmented_batches():  # one after the other: what a loss draws at random follows its views
        with torch.no_grad(), data.trainer.precision_plugin.val_step_context():  # type: ignore[union-attr]
            losses.append(as_step(method.double().eval().training_loss(batch)).loss)
    torch.testing.assert_close(loss, torch.stack(losses).mean())
    for several in two_processes(value, name):
        torch.testing.assert_close(several, loss, rtol=1e-9, atol=1e-9)


def test_views_are_the_same_at_every_call() -> None:
    _, _, data = measured("SimCLR")
    first, second = list(data.augmented_batches()), list(data.augmented_batches())
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    assert not torch.equal(first[0].views[0], first[0].views[1])


def test_one_line_adds_it_to_a_run(tmp_path: Path) -> None:
    few = ["--trainer.max_epochs", "2", "--trainer.limit_train_batches", "2", "--trainer.check_val_every_n_epoch", "1"]
    csl(tmp_path, "fit", *few, "--trainer.callbacks+", "csl.callbacks.HeldOutLoss", *SMALL)
    losses = curve(tmp_path / "lightning_logs" / "simclr-digits" / "version_0", "val/loss")
    assert len(losses) == 2
    assert all(0 < loss < 10 for loss in losses.values())


@pytest.mark.parametrize(
    ("method", "data", "message"),
    [
        (
            Looker(),
            ImageDataModule(ToySource(), batch_size=8),
            "expected a method whose loss can be measured .*, got Looker",
        ),
        (toy_method("SimCLR"), ToyData(), r"expected a csl.data.ImageDataModule, got ToyData"),
    ],
)
def test_what_it_cannot_be_measured_with_is_refused(method: LightningModule, data: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"callbacks: HeldOutLoss {message}"):
        toy_trainer(callbacks=[FeatureCollector(), HeldOutLoss()]).fit(method, datamodule=data)
