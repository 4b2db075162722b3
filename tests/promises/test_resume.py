"""A run that is stopped after any step and taken up again ends with the weights of one that was not."""

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, Trainer

from tests.methods.toy import METHODS, ToyData, small, small_encoder, toy_method, toy_trainer, weights


class _SaveAfter(Callback):
    """Writes a checkpoint after one step, where `ModelCheckpoint` does."""

    def __init__(self, step: int, path: Path) -> None:
        self.step, self.path = step, path

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        if trainer.global_step == self.step:
            trainer.save_checkpoint(self.path)


@pytest.mark.full
@pytest.mark.parametrize("step", [4, 8])
@pytest.mark.parametrize("name", METHODS)
def test_resumed_run_equals_an_uninterrupted_one(name: str, step: int, tmp_path: Path) -> None:
    whole = toy_method(name, dropout=True)
    path = tmp_path / "step.ckpt"
    toy_trainer(max_epochs=3, callbacks=[_SaveAfter(step, path)]).fit(whole, datamodule=ToyData(whole.views))
    torch.manual_seed(123)
    resumed = small(METHODS[name], small_encoder(name, True), optimization=whole.optimization)
    toy_trainer(max_epochs=3).fit(resumed, datamodule=ToyData(whole.views), ckpt_path=path)
    torch.testing.assert_close(weights(resumed), weights(whole), rtol=0, atol=0)
