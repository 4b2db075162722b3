from typing import Any

import pytest
import torch

from csl.encoders import ConvNet
from csl.methods import SimDINO
from csl.types import View
from tests.methods.toy import ToyData, toy_batch, toy_method, toy_trainer


def test_the_teacher_sees_full_views_and_has_no_gradient() -> None:
    method: Any = toy_method("SimDINO", small_crops=4)
    assert method.views[0] == View(2)
    assert method.views[1].count == 4
    batch = toy_batch(list(range(5)), method.views)
    loss = method.training_loss(batch)
    with torch.no_grad():
        students = [method.projection_head(method.encoder(view)) for view in batch.views]
        teachers = [method.momentum_projection_head(method.momentum_encoder(view)) for view in batch.views[:2]]
    torch.testing.assert_close(loss.detach(), method.loss(torch.stack(students), torch.stack(teachers)))
    loss.backward()
    assert all(p.grad is None for p in method.momentum_encoder.parameters())
    assert all(p.grad is not None for p in method.encoder.parameters())


def test_the_teacher_follows_the_student() -> None:
    method: Any = toy_method("SimDINO", momentum=0.5)
    start = next(method.encoder.parameters()).detach().clone()
    toy_trainer(max_epochs=1).fit(method, datamodule=ToyData(method.views))
    student, teacher = (next(part.parameters()) for part in (method.encoder, method.momentum_encoder))
    assert not torch.equal(teacher, start)
    assert (teacher - student).norm() < (start - student).norm()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate_weight": -1.0}, "rate_weight: expected a number at least 0 and finite, got -1.0"),
        ({"momentum": 1.1}, "momentum: expected a number from 0 to 1, got 1.1"),
        ({"small_crops": -1}, "small_crops: expected a number at least 0 and finite, got -1"),
        ({"output_dim": 0}, "output_dim: expected a positive number, got 0"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SimDINO(ConvNet(width=2), **options)
