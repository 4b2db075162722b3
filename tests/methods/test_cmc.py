from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy, normalize

from csl.encoders import ConvNet, LabResNet
from csl.methods import CMC
from tests.methods.toy import ONE, toy_batch, toy_method


def test_loss_is_of_lightness_and_colour() -> None:
    method: Any = toy_method("CMC", temperature=0.3).double()
    batch = toy_batch(list(range(6)), ONE)
    batch = batch._replace(views=(batch.views[0].double().sigmoid(),))
    features = method.encoder(batch.views[0])
    half = features.shape[1] // 2
    lightness, color = method.lightness_head(features[:, :half]), method.color_head(features[:, half:])
    scores = normalize(lightness, dim=1) @ normalize(color, dim=1).T / 0.3
    expected = cross_entropy(scores, torch.arange(6)) + cross_entropy(scores.T, torch.arange(6))
    loss = method.training_loss(batch)
    torch.testing.assert_close(loss, expected, rtol=1e-10, atol=0)
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in method.parameters())


@pytest.mark.parametrize(
    ("encoder", "options", "message"),
    [
        (LabResNet(10, width=2), {"temperature": 0.0}, "temperature: expected a positive number, got 0.0"),
        (LabResNet(10, width=2), {"output_dim": 0}, "output_dim: expected a positive number, got 0"),
        (ConvNet(width=2), {}, "encoder: expected a LabResNet for CMC, got ConvNet"),
        (LabResNet(10, width=2, in_channels=1), {}, r"encoder: expected one for colour images for CMC \(in_channels=3"),
    ],
)
def test_wrong_options_are_named(encoder: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CMC(encoder, **options)
