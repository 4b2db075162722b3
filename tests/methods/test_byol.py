import math
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback
from torch import Tensor

from csl.encoders import ConvNet
from csl.methods import BYOL
from tests.methods.toy import ToyData, toy_batch, toy_method, toy_trainer


def test_loss_is_the_papers() -> None:
    method: Any = toy_method("BYOL").double()
    batch = toy_batch(list(range(5)))
    batch = batch._replace(views=tuple(view.double() for view in batch.views))
    with torch.no_grad():
        loss = method.training_loss(batch)
        predictions = [method.prediction_head(method.projection_head(method.encoder(view))) for view in batch.views]
        targets = [method.momentum_projection_head(method.momentum_encoder(view)) for view in batch.views]
    total = 0.0
    for p, t in ((predictions[0], targets[1]), (predictions[1], targets[0])):
        unit_p, unit_t = p / p.norm(dim=1, keepdim=True), t / t.norm(dim=1, keepdim=True)
        total += float((unit_p - unit_t).square().sum(dim=1).mean())
    assert float(loss) == pytest.approx(total, rel=1e-9)


def test_targets_have_no_gradient() -> None:
    method: Any = toy_method("BYOL")
    method.training_loss(toy_batch(list(range(4)))).backward()
    assert all(p.grad is None for p in method.momentum_encoder.parameters())
    assert all(p.grad is not None for p in method.encoder.parameters())


class _Watch(Callback):
    def __init__(self) -> None:
        self.momenta: list[float] = []
        self.before: Tensor | None = None

    def on_train_batch_start(self, trainer: Any, module: Any, *_: Any) -> None:
        self.before = next(module.momentum_encoder.parameters()).double().clone()

    def on_train_batch_end(self, trainer: Any, module: Any, *_: Any) -> None:
        assert self.before is not None
        after = next(module.momentum_encoder.parameters()).double()
        target = next(module.encoder.parameters()).detach().double()
        self.momenta.append(float((after - target).norm() / (self.before - target).norm()))


def test_momentum_ends_at_one() -> None:
    watch = _Watch()
    toy_trainer(max_epochs=2, callbacks=[watch]).fit(toy_method("BYOL", momentum=0.6), datamodule=ToyData())
    expected = [1 - 0.4 * (math.cos(math.pi * step / 7) + 1) / 2 for step in range(8)]
    assert watch.momenta == pytest.approx(expected, abs=1e-4)
    assert expected[-1] == 1.0


def test_momentum_out_of_range_is_named() -> None:
    with pytest.raises(ValueError, match="momentum: expected a number from 0 to 1, got 2"):
        BYOL(ConvNet(width=2), momentum=2)
