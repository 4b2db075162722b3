"""In which steps a value is read from the device."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback
from lightning.pytorch.loggers import CSVLogger
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from csl.callbacks import LossOnBar, NaNGuard
from tests.methods.toy import ONE, ToyData, in_turn, toy_batch, toy_method, toy_trainer

_READS = {torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default}
_READS |= {torch.ops.aten.masked_select.default}
_INDEXES = {torch.ops.aten.index.Tensor, torch.ops.aten.index_put.default, torch.ops.aten.index_put_.default}


class Waits(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the steps in which a value of a tensor was asked for."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.step = 0
        self.found: dict[int, list[str]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        is_mask = func in _INDEXES and any(i is not None and i.dtype in (torch.bool, torch.uint8) for i in args[1])
        if func in _READS or is_mask:
            self.note(str(func))
        return func(*args, **(kwargs or {}))

    def note(self, what: str) -> None:
        self.found.setdefault(self.step, []).append(what)


class _Counter(Callback):
    """Counts the steps, from 1."""

    def __init__(self, waits: Waits) -> None:
        self.waits = waits

    def on_train_batch_start(self, *_: Any) -> None:
        self.waits.step += 1


@contextmanager
def watched(waits: Waits, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Also what on a CPU is read past the dispatcher."""
    for name in ("tolist", "cpu", "numpy"):
        original = getattr(Tensor, name)

        def noted(tensor: Tensor, *args: Any, name: str = name, original: Any = original) -> Any:
            waits.note(name)
            return original(tensor, *args)

        monkeypatch.setattr(Tensor, name, noted)
    with waits:
        yield


def steps_that_wait(name: str, folder: Path, has_bar: bool = False) -> set[int]:
    """The steps of nine, logged at every third, that read a value; without the last, which may."""
    method, waits = toy_method(name, optimization=in_turn(name, lr=0.4)), Waits()
    data: Any = ToyData(method.views, count=72)
    data.train_labels = toy_batch(list(range(72)), ONE).labels
    trainer = toy_trainer(
        max_epochs=1,
        callbacks=[_Counter(waits), NaNGuard(), LossOnBar()],
        logger=CSVLogger(folder),
        log_every_n_steps=3,
        enable_progress_bar=has_bar,
    )
    with pytest.MonkeyPatch.context() as patch, watched(waits, patch):
        trainer.fit(method, datamodule=data)
    assert waits.step == 9
    if has_bar:
        loss = float(trainer.callback_metrics["train/loss"])
        assert trainer.progress_bar_metrics["train/loss"] == pytest.approx(loss)
    return set(waits.found) - {0, 9}  # before the first and after the last it may wait
