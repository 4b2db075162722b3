"""Half precision: bfloat16 trains every method, and float16's overflows are the scaler's, not the end of a run."""

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.plugins import MixedPrecision
from torch import Tensor

from csl.callbacks import NaNGuard
from csl.methods import SimCLR
from csl.types import Batch
from tests.methods.toy import METHODS, ONE, QUICK, ToyData, small_vit, toy_method, toy_trainer, weights


class Losses(Callback):
    def __init__(self) -> None:
        self.seen: list[float] = []

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, outputs: Any, *_: Any) -> None:
        self.seen.append(float(outputs["loss"]))


@pytest.mark.parametrize("name", METHODS)
def test_bfloat16_trains_and_keeps_weights_and_features_in_float32(name: str) -> None:
    method, losses = toy_method(name), Losses()
    trainer = toy_trainer(precision="bf16-mixed", callbacks=[losses, NaNGuard()], limit_val_batches=1.0)
    trainer.fit(method, datamodule=ToyData(method.views))
    assert len(losses.seen) == 8
    assert all(torch.tensor(losses.seen).isfinite())
    for key, value in weights(method).items():
        assert not value.is_floating_point() or value.dtype == torch.float32, key
        assert value.isfinite().all(), key
    batch = next(iter(ToyData(ONE).predict_dataloader()))
    assert method.validation_step(batch, 0)["encoder"].values.dtype == torch.float32


class Overflowing(SimCLR):
    """Its gradients overflow in one step, although the loss is finite."""

    def training_loss(self, batch: Batch) -> Tensor:
        loss = super().training_loss(batch)
        return loss * 1e36 if self.global_step == 3 else loss


class Weights(Callback):
    def __init__(self) -> None:
        self.after: list[Tensor] = []

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, *_: Any) -> None:
        self.after.append(torch.cat([p.detach().flatten().clone() for p in module.parameters()]))


def test_an_overflow_of_float16_is_skipped_by_the_scaler_and_ends_nothing(tmp_path: Path) -> None:
    torch.manual_seed(0)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    plugin = MixedPrecision("16-mixed", "cpu", scaler)
    method, states = Overflowing(small_vit(), hidden_dim=16, output_dim=8, optimization=QUICK), Weights()
    trainer = toy_trainer(plugins=[plugin], callbacks=[states, NaNGuard()])
    trainer.fit(method, datamodule=ToyData())
    assert len(states.after) == 8
    assert torch.equal(states.after[3], states.after[2]), "the step that overflowed is left out"
    assert not torch.equal(states.after[4], states.after[3]), "and the next one is taken"
    assert all(state.isfinite().all() for state in states.after)
    assert scaler.get_scale() == 2.0**9
