import os
import signal
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from lightning.pytorch.loggers import TensorBoardLogger

from csl.callbacks import AtomicCheckpointIO, NaNGuard, NonFiniteLossError, RunCheckpoint
from csl.runs import LAST, Run, epoch_file
from tests.callbacks.toy import ToyData, ToyMethod, toy_trainer
from tests.commands.runs import curve


class PressCtrlC(pl.Callback):
    def __init__(self, step: int, number: signal.Signals = signal.SIGINT) -> None:
        self.step, self.number = step, number

    def on_train_batch_start(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step == self.step:
            signal.raise_signal(self.number)


def weights_after(tmp_path: Path, *callbacks: pl.Callback, ckpt_path: Path | None = None) -> torch.Tensor:
    pl.seed_everything(0, verbose=False)
    method = ToyMethod()
    trainer = toy_trainer(tmp_path, [*callbacks, RunCheckpoint()], plugins=[AtomicCheckpointIO()])
    trainer.fit(method, ToyData(), ckpt_path=ckpt_path)
    return method.encoder.weight.detach()


def test_every_epoch_is_saved(tmp_path: Path) -> None:
    weights_after(tmp_path)
    assert AtomicCheckpointIO().load_checkpoint(tmp_path / LAST)["global_step"] == 8


def test_ctrl_c_at_the_end_of_an_epoch_saves_and_the_run_goes_on_from_there(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        weights_after(tmp_path / "interrupted", PressCtrlC(3))
    assert signal.getsignal(signal.SIGINT) in (signal.default_int_handler, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    saved = tmp_path / "interrupted" / LAST
    assert AtomicCheckpointIO().load_checkpoint(saved)["global_step"] == 4
    resumed = weights_after(tmp_path / "resumed", ckpt_path=saved)
    assert torch.equal(resumed, weights_after(tmp_path / "whole"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_an_epoch_saves_the_step_that_was_finished(tmp_path: Path, number: signal.Signals) -> None:
    with pytest.raises(SystemExit):
        weights_after(tmp_path, PressCtrlC(1, number))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    assert AtomicCheckpointIO().load_checkpoint(tmp_path / LAST)["global_step"] == 2


def test_ctrl_c_in_the_last_step_of_a_run_finds_nothing_to_stop(tmp_path: Path) -> None:
    weights_after(tmp_path, PressCtrlC(7))
    assert AtomicCheckpointIO().load_checkpoint(tmp_path / LAST)["global_step"] == 8


def test_signals_are_given_back_after_a_run(tmp_path: Path) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    weights_after(tmp_path)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


class EpochMean(pl.Callback):
    """Logs a mean over the epoch, which Lightning writes after its hooks for the end of an epoch."""

    def on_train_batch_end(self, trainer: pl.Trainer, module: pl.LightningModule, *_: Any) -> None:
        module.log("train/mean", float(trainer.global_step), on_step=False, on_epoch=True)


def test_a_checkpoint_appears_when_all_of_its_epoch_is_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[list[int]] = []

    def look(source: Path, target: Path) -> None:
        source.rename(target)
        if target.name == LAST.name:
            logged.append(list(curve(target.parents[1], "train/mean")))

    monkeypatch.setattr(os, "replace", look)
    trainer = toy_trainer(
        tmp_path, [EpochMean(), RunCheckpoint()], plugins=[AtomicCheckpointIO()], logger=TensorBoardLogger(tmp_path)
    )
    trainer.fit(ToyMethod(), ToyData())
    assert logged == [[3], [3, 7]]


@pytest.mark.parametrize("limits", [{"max_steps": 6, "max_epochs": -1}, {"max_epochs": 2}])
def test_the_last_state_is_saved_whatever_ends_the_fit(tmp_path: Path, limits: dict[str, int]) -> None:
    trainer = toy_trainer(tmp_path, [RunCheckpoint(every_n_epochs=10)], plugins=[AtomicCheckpointIO()], **limits)
    trainer.fit(ToyMethod(), ToyData())
    assert AtomicCheckpointIO().load_checkpoint(tmp_path / LAST)["global_step"] == trainer.global_step


def names(folder: Path) -> list[str]:
    return [path.name for path in Run(folder).checkpoint_files]


def test_every_nth_epoch_is_kept_on_request_small_and_without_the_optimizer(tmp_path: Path) -> None:
    callback = RunCheckpoint(every_n_epochs=100, keep_every_n_epochs=2)
    trainer = toy_trainer(tmp_path, [callback], max_epochs=5)
    trainer.fit(ToyMethod(), ToyData())
    assert names(tmp_path) == ["epoch_0002.ckpt", "epoch_0004.ckpt", "last.ckpt"]
    assert [(found.epoch, found.step) for found in Run(tmp_path).checkpoints] == [(2, 8), (4, 16), (5, 20)]
    kept = AtomicCheckpointIO().load_checkpoint(tmp_path / epoch_file(2))
    assert "state_dict" in kept
    assert not {"optimizer_states", "lr_schedulers", "callbacks"} & set(kept)
    assert trainer.validate(ToyMethod(), ToyData(), ckpt_path=tmp_path / epoch_file(2), verbose=False) == [{}, {}]
    assert not list((tmp_path / LAST).parent.glob(".*"))


def test_a_kept_epoch_holds_the_weights_of_its_epoch(tmp_path: Path) -> None:
    weights_after(tmp_path / "two")  # of two epochs
    pl.seed_everything(0, verbose=False)
    toy_trainer(tmp_path / "more", [RunCheckpoint(keep_every_n_epochs=2)], max_epochs=3).fit(ToyMethod(), ToyData())
    io = AtomicCheckpointIO()
    kept, last = io.load_checkpoint(tmp_path / "more" / epoch_file(2)), io.load_checkpoint(tmp_path / "two" / LAST)
    torch.testing.assert_close(kept["state_dict"], last["state_dict"], rtol=0, atol=0)


def test_the_epoch_at_whose_end_somebody_asks_to_stop_is_kept(tmp_path: Path) -> None:
    callbacks = [PressCtrlC(7), RunCheckpoint(every_n_epochs=100, keep_every_n_epochs=2)]
    with pytest.raises(SystemExit):
        toy_trainer(tmp_path, callbacks, max_epochs=4).fit(ToyMethod(), ToyData())
    signal.signal(signal.SIGINT, signal.default_int_handler)
    assert names(tmp_path) == ["epoch_0002.ckpt", "last.ckpt"]


class WeightsGoBad(pl.Callback):
    """Spoils a weight after the last step of the second epoch, whose loss was fine."""

    def on_validation_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if trainer.current_epoch == 1:
            next(module.parameters()).data[0] = torch.nan


def test_an_epoch_with_bad_weights_is_not_kept(tmp_path: Path) -> None:
    callbacks = [WeightsGoBad(), NaNGuard(), RunCheckpoint(every_n_epochs=100, keep_every_n_epochs=1)]
    with pytest.raises(NonFiniteLossError):
        toy_trainer(tmp_path, callbacks).fit(ToyMethod(), ToyData())
    assert names(tmp_path) == ["epoch_0001.ckpt", "last.ckpt"]
    assert Run(tmp_path).progress.epoch == 1


@pytest.mark.parametrize("argument", ["every_n_epochs", "keep_every_n_epochs"])
def test_a_bad_period_is_refused(argument: str) -> None:
    with pytest.raises(ValueError, match=f"{argument}: expected a positive number, got 0"):
        RunCheckpoint(**{argument: 0})
