import math
from typing import Any

import pytest
import torch
from torch.nn.functional import normalize

from csl.encoders import ConvNet
from csl.methods import SimCLR
from tests.methods.toy import toy_batch, toy_method


@pytest.mark.parametrize("temperature", [0.07, 0.2, 1.0])
def test_loss_is_the_papers(temperature: float) -> None:
    method: Any = toy_method("SimCLR", temperature=temperature).double()
    batch = toy_batch(list(range(5)))
    batch = batch._replace(views=tuple(view.double() for view in batch.views))
    with torch.no_grad():
        loss = method.training_loss(batch)
        z = torch.cat([normalize(method.projection_head(method.encoder(view)), dim=1) for view in batch.views])
    total = 0.0
    for i in range(10):
        others = [float(z[i] @ z[j]) / temperature for j in range(10) if j != i]
        positive = float(z[i] @ z[(i + 5) % 10]) / temperature
        total += math.log(sum(math.exp(value) for value in others)) - positive
    assert float(loss) == pytest.approx(total / 10, rel=1e-9)


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan, math.inf])
def test_temperature_must_be_positive(temperature: float) -> None:
    with pytest.raises(ValueError, match=f"temperature: expected a positive number, got {temperature}"):
        SimCLR(ConvNet(width=2), temperature=temperature)


def test_head_sizes() -> None:
    method: Any = SimCLR(ConvNet(width=2), hidden_dim=7, output_dim=5)
    outputs = method.outputs(torch.zeros(3, 3, 8, 8), method.heads)
    shapes = {name: tuple(value.shape) for name, value in outputs.items()}
    assert shapes == {"encoder": (3, 16), "projection_head": (3, 5)}
    assert method.projection_head.layers[0].out_features == 7
