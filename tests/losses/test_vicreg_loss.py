from typing import Any

import pytest
import torch
from lightly.loss.vicreg_loss import VICRegLoss as LightlysLoss
from torch import Tensor

from csl.losses import VICRegLoss
from tests.losses.parity import assert_it_is, outcome, random_views
from tests.two_processes import TwoProcesses


def _reference(first: Tensor, second: Tensor) -> Tensor:
    images, dim = first.shape
    total = 10 * (first - second).square().mean()
    for view in (first, second):
        centered = view - view.mean(dim=0)
        for i in range(dim):
            variance = centered[:, i].square().sum() / (images - 1)
            total = total + 7 * (1 - (variance + 1e-4).sqrt()).clamp(min=0) / dim / 2
            for j in range(dim):
                if i != j:
                    total = total + 3 * ((centered[:, i] * centered[:, j]).sum() / (images - 1)) ** 2 / dim
    return total


@pytest.mark.parametrize("scale", [0.1, 0.7])  # with all features and with some below the hinge
def test_value_and_gradient_are_the_papers(two_processes: TwoProcesses, scale: float) -> None:
    assert_it_is(_reference, VICRegLoss(10.0, 7.0, 3.0), two_processes, scale * random_views())


def test_it_is_lightlys() -> None:
    views = 0.5 * random_views()
    torch.testing.assert_close(outcome(VICRegLoss(), views), outcome(LightlysLoss(), views))


def test_gradient_is_finite_where_a_feature_is_constant() -> None:
    _, gradient = outcome(VICRegLoss(), torch.ones(2, 4, 3))
    assert gradient.isfinite().all()


@pytest.mark.parametrize("name", ["invariance_weight", "variance_weight", "covariance_weight"])
def test_wrong_options_are_named(name: str) -> None:
    options: dict[str, Any] = {name: -1.0}
    with pytest.raises(ValueError, match=f"{name}: expected a number at least 0 and finite, got -1.0"):
        VICRegLoss(**options)
