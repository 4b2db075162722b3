from copy import deepcopy
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils.parametrizations import weight_norm

from csl.encoders import ConvNet
from csl.methods import DINO
from csl.types import View
from tests.methods.toy import ToyData, toy_batch, toy_method, toy_trainer


def _outputs(method: Any, batch: Any) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        students = [method.projection_head(method.encoder(view)) for view in batch.views]
        teachers = [method.momentum_projection_head(method.momentum_encoder(view)) for view in batch.views[:2]]
    return torch.stack(students), torch.stack(teachers)


def test_the_teacher_sees_full_views_and_the_student_all() -> None:
    method: Any = toy_method("DINO", small_crops=4)
    batch = toy_batch(list(range(5)), method.views)
    assert [view.shape[2] for view in batch.views] == [8, 8, 4, 4, 4, 4]
    students, teachers = _outputs(method, batch)
    step = method.training_loss(batch)
    torch.testing.assert_close(step.loss.detach(), method.loss(students, teachers, method.center))
    torch.testing.assert_close(step.keep, teachers.flatten(0, 1))


def test_the_teacher_has_no_gradient_and_starts_as_a_copy() -> None:
    method: Any = toy_method("DINO")
    method.training_loss(toy_batch(list(range(4)), method.views)).loss.backward()
    assert all(p.grad is None for p in method.momentum_encoder.parameters())
    assert all(p.grad is not None for p in method.encoder.parameters())
    for copy, original in zip(method.momentum_encoder.parameters(), method.encoder.parameters(), strict=True):
        assert copy is not original
        assert torch.equal(copy, original)


class _Watch(Callback):
    """The last layer and the center before each batch, and the mean of what the teacher makes of the batch."""

    def __init__(self) -> None:
        self.layers: list[Tensor] = []
        self.centers: list[Tensor] = []
        self.means: list[Tensor] = []

    def on_train_batch_start(self, trainer: Any, module: Any, batch: Any, *_: Any) -> None:
        self.layers.append(module.projection_head[-1].weight.detach().clone())
        self.centers.append(module.center.clone())
        self.means.append(_outputs(deepcopy(module), batch)[1].mean(dim=(0, 1)))


def test_the_last_layer_is_frozen_in_the_first_epoch_and_the_center_moves() -> None:
    method, watch = toy_method("DINO"), _Watch()
    toy_trainer(max_epochs=2, callbacks=[watch]).fit(method, datamodule=ToyData(method.views))
    assert all(torch.equal(layer, watch.layers[0]) for layer in watch.layers[1:5])
    assert not torch.equal(watch.layers[5], watch.layers[4])
    for step in range(7):
        expected = 0.9 * watch.centers[step] + 0.1 * watch.means[step]
        torch.testing.assert_close(watch.centers[step + 1], expected)


def test_outputs_are_those_of_a_weight_normalised_layer_after_a_normalised_bottleneck() -> None:
    head = DINO(ConvNet(width=2), hidden_dim=8, output_dim=5).projection_head
    layer = weight_norm(nn.Linear(256, 5, bias=False))
    layer.parametrizations.weight.original0.data.fill_(1.0)
    layer.parametrizations.weight.original1.data.copy_(head[-1].weight)
    inner = torch.randn(6, 256)
    torch.testing.assert_close(head[-1](inner), layer(normalize(inner, dim=1)))


def test_without_small_crops_there_are_two_full_views() -> None:
    assert DINO(ConvNet(width=2)).views == (View(2),)


def test_the_weight_decay_rises() -> None:
    rule = DINO(ConvNet(width=2), output_dim=8).optimization
    assert rule.final_weight_decay is not None
    assert rule.final_weight_decay > rule.weight_decay


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0.0}, "temperature: expected a positive number, got 0.0"),
        ({"momentum": 1.1}, "momentum: expected a number from 0 to 1, got 1.1"),
        ({"small_crops": -1}, "small_crops: expected a number at least 0 and finite, got -1"),
        ({"frozen_epochs": -1}, "frozen_epochs: expected a number at least 0 and finite, got -1"),
        ({"output_dim": 0}, "output_dim: expected a positive number, got 0"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DINO(ConvNet(width=2), **options)
