from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch

from csl.callbacks import AtomicCheckpointIO, NaNGuard, NonFiniteLossError, RunCheckpoint
from csl.runs import LAST
from tests.callbacks.test_run_checkpoint import PressCtrlC
from tests.callbacks.toy import ToyData, ToyMethod, toy_trainer


def test_a_healthy_run_is_left_alone(tmp_path: Path) -> None:
    trainer = toy_trainer(tmp_path, [NaNGuard()])
    trainer.fit(ToyMethod(), ToyData())
    assert trainer.global_step == 8


@pytest.mark.parametrize("log_every_n_steps", [1, 50])
def test_the_first_bad_step_is_named_with_its_samples(tmp_path: Path, log_every_n_steps: int) -> None:
    trainer = toy_trainer(tmp_path, [NaNGuard()], log_every_n_steps=log_every_n_steps)
    with pytest.raises(
        NonFiniteLossError, match=r"at step 3 \(learning rate 0\.1; batch indices 8, 9, 10, 11\)"
    ) as info:
        trainer.fit(ToyMethod(bad_step=2), ToyData())
    assert (info.value.step, info.value.learning_rate, info.value.indices) == (3, 0.1, [8, 9, 10, 11])


def test_the_last_good_checkpoint_is_kept(tmp_path: Path) -> None:
    trainer = toy_trainer(tmp_path, [NaNGuard(), RunCheckpoint()], log_every_n_steps=50)
    with pytest.raises(NonFiniteLossError):
        trainer.fit(ToyMethod(bad_step=6), ToyData())
    saved = trainer.strategy.checkpoint_io.load_checkpoint(tmp_path / LAST)
    assert saved["global_step"] == 4
    assert all(weight.isfinite().all() for weight in saved["state_dict"].values())


def test_late_steps_are_told_apart(tmp_path: Path) -> None:
    """Beyond 2^24 a float32, which is all that some devices have, no longer holds every number."""
    guard = NaNGuard()
    guard.on_fit_start(toy_trainer(tmp_path, []), ToyMethod())
    for number in (2**24, 2**24 + 1, 2**24 + 2):
        guard._note(torch.tensor(torch.nan if number % 2 else 1.0), number)
    assert guard._first_bad is not None
    assert int(guard._first_bad) == 2**24 + 1
    assert guard._first_bad.dtype != torch.float64  # which MPS has not


class Falling(ToyMethod):
    """A method whose learning rate is halved after every step."""

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.parameters(), lr=0.1)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


def test_the_learning_rate_is_that_of_the_bad_step(tmp_path: Path) -> None:
    with pytest.raises(NonFiniteLossError) as info:
        toy_trainer(tmp_path, [NaNGuard()], log_every_n_steps=50).fit(Falling(bad_step=2), ToyData())
    assert info.value.learning_rate == 0.025


def test_a_long_batch_is_shown_in_part_and_held_whole() -> None:
    error = NonFiniteLossError("train/loss was", 1, 0.1, list(range(100)))
    assert "14, 15, and 84 more)" in str(error)
    assert error.indices == list(range(100))


class SpoilsWeights(pl.Callback):
    """Makes a weight infinite after a step whose loss was finite."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *_: Any) -> None:
        if trainer.global_step == self.step:
            next(module.parameters()).data[0, 0] = torch.inf


def test_weights_that_are_no_numbers_never_replace_a_good_checkpoint(tmp_path: Path) -> None:
    trainer = toy_trainer(tmp_path, [SpoilsWeights(8), NaNGuard(), RunCheckpoint()], plugins=[AtomicCheckpointIO()])
    with pytest.raises(NonFiniteLossError, match=r"encoder\.weight became NaN or infinite at step 8"):
        trainer.fit(ToyMethod(), ToyData())
    assert AtomicCheckpointIO().load_checkpoint(tmp_path / LAST)["global_step"] == 4


def test_a_bad_step_is_not_saved_by_somebody_who_stops_the_run(tmp_path: Path) -> None:
    press = PressCtrlC(5)
    trainer = toy_trainer(tmp_path, [press, NaNGuard(), RunCheckpoint()], log_every_n_steps=50)
    with pytest.raises(NonFiniteLossError, match="at step 6"):
        trainer.fit(ToyMethod(bad_step=5), ToyData())
    assert AtomicCheckpointIO().load_checkpoint(tmp_path / LAST)["global_step"] == 4
