import math
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback
from torch import Tensor
from torch.nn.functional import normalize

from csl.encoders import ConvNet
from csl.methods import TiCo
from tests.methods.toy import ToyData, toy_batch, toy_method, toy_trainer


def test_loss_is_the_papers_with_the_covariance_of_this_batch_too() -> None:
    method: Any = toy_method("TiCo", beta=0.6, rho=2.0).double()
    method.covariance.copy_(torch.eye(8) / 8)
    batch = toy_batch(list(range(5)))
    batch = batch._replace(views=tuple(view.double() for view in batch.views))
    step = method.training_loss(batch)
    z = normalize(method.projection_head(method.encoder(batch.views[0])), dim=1)
    t = normalize(method.momentum_projection_head(method.momentum_encoder(batch.views[1])), dim=1)
    covariance = 0.6 * torch.eye(8).double() / 8 + 0.4 * (z.T @ z).detach() / 5
    expected = torch.stack([1 - z[i] @ t[i] + 2 * z[i] @ covariance @ z[i] for i in range(5)]).mean()
    torch.testing.assert_close(step.loss, expected, rtol=1e-9, atol=0)
    torch.testing.assert_close(step.keep, covariance, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(method.covariance, torch.eye(8, dtype=torch.float64) / 8)
    step.loss.backward()
    assert all(p.grad is None for p in method.momentum_encoder.parameters())
    assert all(p.grad is not None for p in method.encoder.parameters())


class _Watch(Callback):
    def __init__(self) -> None:
        self.momenta: list[float] = []
        self.traces: list[float] = []
        self.before: Tensor | None = None

    def on_train_batch_start(self, trainer: Any, module: Any, *_: Any) -> None:
        self.before = next(module.momentum_encoder.parameters()).double().clone()

    def on_train_batch_end(self, trainer: Any, module: Any, *_: Any) -> None:
        assert self.before is not None
        after = next(module.momentum_encoder.parameters()).double()
        target = next(module.encoder.parameters()).detach().double()
        self.momenta.append(float((after - target).norm() / (self.before - target).norm()))
        self.traces.append(float(module.covariance.trace()))


def test_covariance_moves_once_a_step_and_momentum_ends_at_one() -> None:
    watch = _Watch()
    method = toy_method("TiCo", momentum=0.6, beta=0.75)
    toy_trainer(max_epochs=2, callbacks=[watch]).fit(method, datamodule=ToyData())
    assert watch.momenta == pytest.approx(
        [1 - 0.4 * (math.cos(math.pi * step / 7) + 1) / 2 for step in range(8)], abs=1e-4
    )
    # Of unit vectors: each batch's trace is 1.
    assert watch.traces == pytest.approx([1 - 0.75 ** (step + 1) for step in range(8)], abs=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beta": 1.5}, "beta: expected a number from 0 to 1, got 1.5"),
        ({"momentum": -1.0}, "momentum: expected a number from 0 to 1, got -1.0"),
        ({"rho": -1.0}, "rho: expected a number at least 0 and finite, got -1.0"),
        ({"output_dim": 0}, "output_dim: expected a positive number, got 0"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TiCo(ConvNet(width=2), **options)
