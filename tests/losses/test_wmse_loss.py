import pytest
import torch
from lightly.loss import WMSELoss as LightlysLoss
from torch import Tensor

from csl.distributed import world
from csl.losses import WMSELoss, wmse_loss
from csl.losses.wmse_loss import whitened
from tests.losses.rows import assert_parity, assert_same, random
from tests.two_processes import TwoProcesses

FIRST, SECOND = random(12, 4), random(12, 4, seed=1)


def _loss(first: Tensor, second: Tensor) -> Tensor:
    return wmse_loss(first, second, 0.0, world())


def _shrunk(first: Tensor, second: Tensor) -> Tensor:
    return wmse_loss(first, second, 0.1, world())


def _white(view: Tensor, shrinkage: float) -> Tensor:
    covariance = torch.cov(view.T)
    covariance = (
        covariance + shrinkage * torch.trace(covariance) / len(covariance) * torch.eye(len(covariance)).double()
    )
    white = (view - view.mean(dim=0)) @ torch.linalg.inv(torch.linalg.cholesky(covariance)).T
    units: Tensor = white / white.norm(dim=1, keepdim=True)
    return units


def _reference(first: Tensor, second: Tensor) -> Tensor:
    return (_white(first, 0.0) - _white(second, 0.0)).square().sum(dim=1).mean()


def _shrunk_reference(first: Tensor, second: Tensor) -> Tensor:
    return (_white(first, 0.1) - _white(second, 0.1)).square().sum(dim=1).mean()


def _lightlys(first: Tensor, second: Tensor) -> Tensor:
    loss: Tensor = LightlysLoss(4, w_size=12, track_running_stats=False)(torch.cat([first, second]))
    return loss


def test_it_is_the_papers_and_lightlys() -> None:
    assert_same(_loss, _reference, FIRST, SECOND)
    assert_same(_shrunk, _shrunk_reference, FIRST, SECOND)
    assert_same(_loss, _lightlys, FIRST, SECOND, tolerance=1e-6)


def test_whitened_embeddings_are_white() -> None:
    torch.testing.assert_close(torch.cov(whitened(FIRST, 0.0).T), torch.eye(4, dtype=torch.float64))


def test_embeddings_along_one_line_stay_finite() -> None:
    assert whitened(FIRST[:, :1].expand(12, 4)).isfinite().all()


def test_a_stretched_direction_hides_no_disagreement() -> None:
    """With a large shrinkage, views that agree along one long direction alone would seem to agree."""
    length = torch.ones(4, dtype=torch.float64)
    length[0] = 1e4
    plain, stretched = wmse_loss(FIRST, SECOND), wmse_loss((FIRST * length).float(), (SECOND * length).float())
    assert float(stretched) == pytest.approx(float(plain), rel=1e-3)
    agreeing = torch.cat([FIRST[:, :1], SECOND[:, 1:]], dim=1)
    assert float(wmse_loss(FIRST * length, agreeing * length, shrinkage=1e-4)) < 0.5 < float(wmse_loss(FIRST, agreeing))
    assert float(wmse_loss(FIRST * length, agreeing * length)) == pytest.approx(float(wmse_loss(FIRST, agreeing)), 1e-3)


def _in_parts(first: Tensor, second: Tensor) -> Tensor:
    """The loss of two numbers of each embedding, for which 12 rows are 3 parts."""
    return wmse_loss(first[:, :2], second[:, :2], 0.0, world())


def test_whitening_is_of_parts_twice_as_large_as_embeddings_are_long() -> None:
    thirds = [_reference(FIRST[part, :2], SECOND[part, :2]) for part in (slice(4), slice(4, 8), slice(8, 12))]
    torch.testing.assert_close(_in_parts(FIRST, SECOND), torch.stack(thirds).mean())
    uneven = [
        _reference(FIRST[part, :2], SECOND[part, :2]) * len(FIRST[part]) / 11 for part in (slice(6), slice(6, 11))
    ]
    torch.testing.assert_close(wmse_loss(FIRST[:11, :2], SECOND[:11, :2], 0.0), torch.stack(uneven).sum())


def test_a_few_images_far_away_make_no_others_agree() -> None:
    """Two views of 120 images have nothing in common, and 8 images are far away, two along each direction."""
    first, second = 1e-3 * random(128, 4), 1e-3 * random(128, 4, seed=1)
    far = torch.eye(4, dtype=torch.float64).repeat(2, 1)
    first[:8] += far
    second[:8] += far
    assert float(wmse_loss(first, second)) > 1.5
    at_once = torch.nn.functional.cosine_similarity(whitened(first), whitened(second))
    assert float(2 - 2 * at_once.mean()) < 0.1


def test_two_processes_compute_what_one_does(two_processes: TwoProcesses) -> None:
    assert_parity(two_processes, _loss, FIRST, SECOND)
    assert_parity(two_processes, _in_parts, FIRST, SECOND)


def test_shrinkage_is_not_negative() -> None:
    with pytest.raises(ValueError, match="shrinkage: expected a number at least 0 and finite, got -1"):
        WMSELoss(-1)
