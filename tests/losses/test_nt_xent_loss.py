from functools import partial

import pytest
import torch
from lightly.loss.ntx_ent_loss import NTXentLoss as LightlysLoss
from torch import Tensor

from csl import distributed
from csl.losses import NTXentLoss, in_full_precision, nt_xent_loss
from tests.two_processes import TwoProcesses


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
    lightlys = LightlysLoss(temperature, gather_distributed=True)
    first, second = views
    loss = NTXentLoss(temperature)(first, second) if is_ours else lightlys(first, second)
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
