from typing import Any

import pytest
import torch
from lightning.pytorch import Callback
from torch.nn.functional import normalize

from csl.encoders import ConvNet
from csl.methods import NNCLR
from tests.methods.toy import ToyData, toy_batch, toy_method, toy_trainer, weights


def _reference(method: Any, views: Any) -> torch.Tensor:
    z = [method.projection_head(method.encoder(view)) for view in views]
    p = [normalize(method.prediction_head(each), dim=1) for each in z]
    total = torch.zeros((), dtype=torch.float64)
    for one, other in ((0, 1), (1, 0)):
        for i, vector in enumerate(z[one].detach()):
            neighbor = max(method.queue.features, key=lambda row: float(row @ vector / row.norm()))
            shares = (p[other] @ neighbor / neighbor.norm() / 0.3).softmax(dim=0)
            total = total - shares[i].log()
    return total / (2 * len(z[0]))


def test_loss_and_gradients_are_the_papers() -> None:
    method: Any = toy_method("NNCLR", temperature=0.3).double()
    views = tuple(view.double() for view in toy_batch(list(range(5))).views)
    before = weights(method.queue)
    step = method.training_loss(toy_batch(list(range(5)))._replace(views=views))
    torch.testing.assert_close(weights(method.queue), before, rtol=0, atol=0)
    expected = _reference(method, views)
    torch.testing.assert_close(step.loss, expected, rtol=1e-9, atol=0)
    parameters = list(method.parameters())
    grads = [torch.autograd.grad(value, parameters) for value in (step.loss, expected)]
    torch.testing.assert_close(*grads, rtol=1e-8, atol=1e-12)


class _Watch(Callback):
    def __init__(self) -> None:
        self.positions: list[int] = []

    def on_train_batch_end(self, trainer: Any, module: Any, *_: Any) -> None:
        self.positions.append(int(module.queue.position))
        torch.testing.assert_close(module.queue.features.norm(dim=1), torch.ones(24))


def test_the_first_views_enter_the_support_set_once_a_step() -> None:
    watch = _Watch()
    toy_trainer(max_epochs=1, callbacks=[watch]).fit(toy_method("NNCLR"), datamodule=ToyData())
    assert watch.positions == [8, 16, 0, 8]


def test_the_support_set_is_in_the_state() -> None:
    assert {"queue.features", "queue.position"} <= set(toy_method("NNCLR").state_dict())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0.0}, "temperature: expected a positive number, got 0.0"),
        ({"queue_size": 0}, "queue_size: expected a positive number, got 0"),
        ({"prediction_dim": 0}, "prediction_dim: expected a positive number, got 0"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NNCLR(ConvNet(width=2), **options)
