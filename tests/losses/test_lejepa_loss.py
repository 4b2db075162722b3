import math
from unittest.mock import patch

import pytest
import torch
from lightly.loss.lejepa_loss import LeJEPALoss as LightlysLoss
from torch import Tensor
from torch.nn.functional import normalize

from csl.distributed import world
from csl.losses import LeJEPALoss, lejepa_loss
from csl.losses.lejepa_loss import sigreg_loss
from tests.losses.rows import assert_parity, assert_same, random
from tests.two_processes import TwoProcesses

VIEWS, DIRECTIONS = random(4, 6, 5), normalize(random(5, 3, seed=1), dim=0)


def _loss(views: Tensor) -> Tensor:
    return lejepa_loss(views, DIRECTIONS, 0.3, full_views=2, group=world())


def _reference(views: Tensor) -> Tensor:
    number, step = views.shape[1], 3 / 16
    total = torch.zeros((), dtype=torch.float64)
    for view in views:
        for direction in DIRECTIONS.T:
            for knot in range(-16, 17):
                t = knot * step
                found = torch.exp(1j * t * (view @ direction)).mean()
                weight = step * (0.5 if abs(knot) == 16 else 1.0) * math.exp(-(t**2) / 2)
                total = total + number * weight * (found - math.exp(-(t**2) / 2)).abs().square()
    center = (views[0] + views[1]) / 2
    return 0.7 * torch.stack([(view - center).square().mean() for view in views]).mean() + 0.3 * total / 12


def _lightlys(views: Tensor) -> Tensor:
    loss = LightlysLoss(0.3).double()
    with patch.object(loss.sigreg, "_generate_unit_vectors", return_value=DIRECTIONS):
        value: Tensor = loss(local_proj=views[2:], global_proj=views[:2])
        return value


def test_it_is_the_papers_and_lightlys() -> None:
    assert_same(_loss, _reference, VIEWS)
    assert_same(_loss, _lightlys, VIEWS, tolerance=1e-6)


def test_all_views_may_be_full_ones() -> None:
    loss = LeJEPALoss(weight=0.0, full_views=4)
    assert_same(lambda views: loss(views, DIRECTIONS), lambda views: views.var(dim=0, correction=0).mean(), VIEWS)


def test_what_is_not_normal_is_found() -> None:
    normal, axes = random(1, 4096, 2), torch.eye(2).double()
    for other in (2 * normal, normal + 1, normal.sign(), 0 * normal):
        assert sigreg_loss(other, axes) > 10 * sigreg_loss(normal, axes)


def test_two_processes_compute_what_one_does(two_processes: TwoProcesses) -> None:
    assert_parity(two_processes, _loss, VIEWS)


def test_wrong_options_are_named() -> None:
    with pytest.raises(ValueError, match="weight: expected a number from 0 to 1, got 2"):
        LeJEPALoss(2)
    with pytest.raises(ValueError, match="full_views: expected a positive number, got 0"):
        LeJEPALoss(full_views=0)
