from typing import Any

import pytest
import torch
from lightly.loss.barlow_twins_loss import BarlowTwinsLoss as LightlysLoss
from torch import Tensor

from csl.losses import BarlowTwinsLoss
from tests.losses.parity import assert_it_is, outcome, random_views
from tests.two_processes import TwoProcesses


def _reference(first: Tensor, second: Tensor) -> Tensor:
    """The paper's formula, which divides by lengths of centred columns; batch norm adds 1e-5 to their variances."""
    a, b = first - first.mean(dim=0), second - second.mean(dim=0)
    lengths = [(x.square().mean(dim=0) + 1e-5).sqrt() for x in (a, b)]
    total = torch.zeros((), dtype=first.dtype)
    for i in range(first.shape[1]):
        for j in range(first.shape[1]):
            c = (a[:, i] * b[:, j]).mean() / (lengths[0][i] * lengths[1][j])
            total = total + ((1 - c) ** 2 if i == j else 0.02 * c**2)
    return 0.3 * total


def test_value_and_gradient_are_the_papers(two_processes: TwoProcesses) -> None:
    loss = BarlowTwinsLoss(redundancy_weight=0.02, scale=0.3)
    assert_it_is(_reference, loss, two_processes, random_views())


def test_on_one_process_it_is_lightlys() -> None:
    views = random_views()
    ours = outcome(BarlowTwinsLoss(redundancy_weight=0.005, scale=1.0), views)
    torch.testing.assert_close(ours, outcome(LightlysLoss(lambda_param=0.005), views))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"redundancy_weight": -1.0}, "redundancy_weight: expected a number at least 0 and finite, got -1.0"),
        ({"scale": 0.0}, "scale: expected a number above 0 and finite, got 0.0"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BarlowTwinsLoss(**options)
