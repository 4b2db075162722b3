"""Nothing in a step waits for the device but at log steps: no value is read, no shape depends on one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from lightly.loss.ntx_ent_loss import NTXentLoss
from lightning.pytorch import Callback
from lightning.pytorch.loggers import CSVLogger
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from csl.callbacks import LossOnBar, NaNGuard
from csl.data import Augmentation
from csl.losses import nt_xent_loss
from csl.methods.lars import LARS
from tests.methods.toy import METHODS, ONE, ToyData, in_turn, toy_batch, toy_method, toy_trainer

_READS = {torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default}
_READS |= {torch.ops.aten.masked_select.default}
_INDEXES = {torch.ops.aten.index.Tensor, torch.ops.aten.index_put.default, torch.ops.aten.index_put_.default}


class _Waits(TorchDispatchMode):  # type: ignore[no-untyped-call]
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

    def __init__(self, waits: _Waits) -> None:
        self.waits = waits

    def on_train_batch_start(self, *_: Any) -> None:
        self.waits.step += 1


@contextmanager
def _watched(waits: _Waits, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Also what on a CPU is read past the dispatcher."""
    for name in ("tolist", "cpu", "numpy"):
        original = getattr(Tensor, name)

        def noted(tensor: Tensor, *args: Any, name: str = name, original: Any = original) -> Any:
            waits.note(name)
            return original(tensor, *args)

        monkeypatch.setattr(Tensor, name, noted)
    with waits:
        yield


@pytest.mark.parametrize("has_bar", [False, True])
@pytest.mark.parametrize("name", METHODS)
def test_only_log_steps_read_a_value(
    name: str, has_bar: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    method, waits = toy_method(name, optimization=in_turn(name, lr=0.4)), _Waits()
    data: Any = ToyData(method.views, count=72)
    data.train_labels = toy_batch(list(range(72)), ONE).labels
    trainer = toy_trainer(
        max_epochs=1,
        callbacks=[_Counter(waits), NaNGuard(), LossOnBar()],
        logger=CSVLogger(tmp_path),
        log_every_n_steps=3,
        enable_progress_bar=has_bar,
    )
    with _watched(waits, monkeypatch):
        trainer.fit(method, datamodule=data)
    assert waits.step == 9
    assert set(waits.found) - {0, 9} == {3, 6}, waits.found  # before the first and after the last it may wait
    if has_bar:
        loss = float(trainer.callback_metrics["train/loss"])
        assert trainer.progress_bar_metrics["train/loss"] == pytest.approx(loss)
        assert "train/loss=" in capsys.readouterr().out


def test_the_mode_sees_what_makes_a_device_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    waits, x = _Waits(), torch.arange(4.0)
    reads: list[Callable[[], Any]] = [
        lambda: x[0].item(),
        lambda: bool((x > 1).any()),
        lambda: x.tolist(),
        lambda: x[x > 1],
        lambda: x.nonzero(),
    ]
    with _watched(waits, monkeypatch):
        for step, read in enumerate(reads):
            waits.step = step
            read()
    assert set(waits.found) == set(range(5))


def test_no_shape_of_simclrs_loss_depends_on_a_value() -> None:
    """Tensors of the meta device have no values: whatever asks for one fails."""
    first, second = (torch.empty(4, 8, device="meta", requires_grad=True) for _ in range(2))
    nt_xent_loss(first, second, 0.2).backward()  # type: ignore[no-untyped-call]
    LARS([first, second], lr=0.1, clip=True).step()
    with pytest.raises(NotImplementedError):
        NTXentLoss()(first, second)


def test_no_shape_of_an_augmentation_depends_on_a_value_on_the_device() -> None:
    view = Augmentation(image_size=16, blur_probability=0.5, solarize_probability=0.5, erase_probability=0.5)
    assert view(torch.empty(8, 3, 16, 16, dtype=torch.uint8, device="meta")).device.type == "meta"
