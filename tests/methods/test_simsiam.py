from typing import Any

import pytest
import torch
from lightning.pytorch import Callback
from torch import Tensor, nn

from csl.encoders import ConvNet
from csl.methods import Optimization, SimSiam
from tests.methods.toy import ToyData, toy_batch, toy_method, toy_trainer


def _cosine(one: Tensor, other: Tensor) -> Tensor:
    return torch.stack([a @ b / (a.norm() * b.norm()) for a, b in zip(one, other, strict=True)]).mean()


def test_loss_and_gradients_are_the_papers() -> None:
    method: Any = toy_method("SimSiam").double()
    batch = toy_batch(list(range(5)))
    batch = batch._replace(views=tuple(view.double() for view in batch.views))
    z = [method.projection_head(method.encoder(view)) for view in batch.views]
    p = [method.prediction_head(each) for each in z]
    expected = -(_cosine(p[0], z[1].detach()) + _cosine(p[1], z[0].detach())) / 2
    loss = method.training_loss(batch)
    torch.testing.assert_close(loss, expected, rtol=1e-9, atol=0)
    parameters = list(method.parameters())
    grads = [torch.autograd.grad(value, parameters) for value in (loss, expected)]
    torch.testing.assert_close(*grads, rtol=1e-9, atol=1e-12)


class _Rates(Callback):
    def __init__(self) -> None:
        self.seen: list[dict[str, float]] = []

    def on_train_batch_start(self, trainer: Any, *_: Any) -> None:
        self.seen.append({group["group"]: group["lr"] for group in trainer.optimizers[0].param_groups})


def test_the_predictors_rate_is_constant_while_the_others_go_up_and_down() -> None:
    rates = _Rates()
    method = toy_method("SimSiam", optimization=Optimization("sgd", lr=1.6, warmup_epochs=1))
    toy_trainer(max_epochs=3, callbacks=[rates]).fit(method, datamodule=ToyData())
    assert {step["prediction_head"] for step in rates.seen} == {0.05}
    main = [step["main"] for step in rates.seen]
    assert main[:4] == pytest.approx([0.0125, 0.025, 0.0375, 0.05])
    assert main[-1] < 0.01


@pytest.mark.parametrize("num_layers", [2, 3])
def test_the_projection_head_ends_in_batch_norm_without_affine(num_layers: int) -> None:
    head: Any = SimSiam(ConvNet(width=2), 16, 12, 4, num_layers).projection_head
    assert sum(isinstance(layer, nn.Linear) for layer in head.layers) == num_layers
    last = head.layers[-1]
    assert isinstance(last, nn.BatchNorm1d)
    assert (last.affine, last.num_features) == (False, 12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prediction_dim": 0}, "prediction_dim: expected a positive number, got 0"),
        ({"num_layers": 1}, "num_layers: expected at least 2, got 1"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SimSiam(ConvNet(width=2), **options)
