import math
from functools import partial
from typing import Any

import pytest
import torch
from lightly.loss.ntx_ent_loss import NTXentLoss
from torch import Tensor
from torch.nn.functional import normalize

from csl import distributed
from csl.encoders import ConvNet
from csl.losses import in_full_precision, nt_xent_loss
from csl.methods import SimCLR
from tests.methods.toy import toy_batch, toy_method
from tests.two_processes import TwoProcesses


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


def test_loss_keeps_its_digits_under_autocast() -> None:
    first, second = torch.randn(2, 16, 8, generator=torch.Generator().manual_seed(0))
    contrast = partial(nt_xent_loss, temperature=0.2)
    expected = contrast(first, second)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(in_full_precision(contrast, first, second), expected, rtol=1e-6, atol=0)
        assert not torch.allclose(contrast(first, second).float(), expected, rtol=1e-6)


def _loss_and_gradients(is_ours: bool, views: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Of this process's half of the views `[2, B, D]`, or of all of them."""
    group = distributed.world()
    views = views[:, distributed.shard(views.shape[1], group)].clone().requires_grad_()
    lightlys = NTXentLoss(temperature, gather_distributed=True)
    first, second = views
    loss = nt_xent_loss(first, second, temperature, group) if is_ours else lightlys(first, second)
    loss.backward()
    assert views.grad is not None
    return loss.detach(), views.grad


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-14)])
@pytest.mark.parametrize("images", [2, 12])
def test_loss_and_gradients_are_lightlys(
    two_processes: TwoProcesses, images: int, dtype: torch.dtype, tolerance: float
) -> None:
    views = torch.randn(2, images, 8, generator=torch.Generator().manual_seed(0), dtype=dtype)
    expected = _loss_and_gradients(False, views, 0.2)
    torch.testing.assert_close(_loss_and_gradients(True, views, 0.2), expected, rtol=tolerance, atol=tolerance)
    ours, theirs = (two_processes(_loss_and_gradients, is_ours, views, 0.2) for is_ours in (True, False))
    torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance)


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
