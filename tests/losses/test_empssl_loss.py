import pytest
import torch
from lightly.loss import EMPSSLLoss as LightlysLoss
from torch import Tensor
from torch.nn.functional import normalize

from csl.distributed import world
from csl.losses import EMPSSLLoss, empssl_loss
from tests.losses.rows import assert_parity, assert_same, random
from tests.two_processes import TwoProcesses

PATCHES = random(4, 6, 5)


def _loss(patches: Tensor) -> Tensor:
    return empssl_loss(patches, 3.0, 0.2, world())


def _reference(patches: Tensor) -> Tensor:
    z = patches / patches.norm(dim=2, keepdim=True)
    center = z.mean(dim=0)
    near = torch.stack([(v * center).sum(dim=1) / center.norm(dim=1) for v in z]).mean()
    rates = [torch.logdet(torch.eye(5) + 5 / (6 * 0.2) * sum(torch.outer(row, row) for row in v)) / 2 for v in z]
    return -3.0 * near - torch.stack(rates).mean()


def _lightlys(patches: Tensor) -> Tensor:
    """lightly adds the coding rate, which collapses embeddings; the sign is turned here."""
    units = [normalize(view, dim=1) for view in patches]
    invariance = LightlysLoss(0.2, 3.0)(units) - LightlysLoss(0.2, 0.0)(units)
    value: Tensor = invariance - LightlysLoss(0.2, 0.0)(units)
    return value


def test_it_is_the_papers_and_lightlys_but_for_a_sign() -> None:
    assert_same(_loss, _reference, PATCHES)
    assert_same(_loss, _lightlys, PATCHES, tolerance=1e-6)


def test_two_processes_compute_what_one_does(two_processes: TwoProcesses) -> None:
    assert_parity(two_processes, _loss, PATCHES)


def test_wrong_numbers_are_named() -> None:
    with pytest.raises(ValueError, match="invariance_weight: expected a number at least 0 and finite, got -1"):
        EMPSSLLoss(-1)
    with pytest.raises(ValueError, match="distortion: expected a number above 0 and finite, got 0"):
        EMPSSLLoss(distortion=0)
