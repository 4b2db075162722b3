import math
from typing import Any

import pytest
import torch
from lightly.loss.dcl_loss import DCLLoss as LightlysLoss
from lightly.loss.dcl_loss import DCLWLoss as LightlysWeightedLoss
from torch import Tensor
from torch.nn.functional import normalize

from csl.losses import DCLLoss
from tests.losses.parity import assert_it_is, outcome, random_views
from tests.two_processes import TwoProcesses


def _reference(first: Tensor, second: Tensor, sigma: float | None = None) -> Tensor:
    images = len(first)
    z = normalize(torch.cat([first, second]), dim=1)
    scores = [math.exp(float((z[i] @ z[i + images]).detach()) / (sigma or 1.0)) for i in range(images)]
    weights = [1.0 if sigma is None else 2 - score / (sum(scores) / images) for score in scores]
    total = torch.zeros((), dtype=first.dtype)
    for i in range(2 * images):
        others = [z[i] @ z[j] / 0.3 for j in range(2 * images) if j % images != i % images]
        positive = z[i] @ z[(i + images) % (2 * images)] / 0.3
        total = total - weights[i % images] * positive + torch.stack(others).exp().sum().log()
    return total / (2 * images)


def _weighted(first: Tensor, second: Tensor) -> Tensor:
    return _reference(first, second, sigma=0.4)


def test_value_and_gradient_are_the_papers(two_processes: TwoProcesses) -> None:
    assert_it_is(_reference, DCLLoss(temperature=0.3), two_processes, random_views())


def test_weights_are_those_of_all_processes_images(two_processes: TwoProcesses) -> None:
    assert_it_is(_weighted, DCLLoss(temperature=0.3, sigma=0.4), two_processes, random_views())


@pytest.mark.filterwarnings("ignore:To copy construct")
def test_it_is_lightlys() -> None:
    views = random_views()
    torch.testing.assert_close(outcome(DCLLoss(0.2), views), outcome(LightlysLoss(0.2), views))
    theirs = outcome(LightlysWeightedLoss(0.2, sigma=0.5), views)
    torch.testing.assert_close(outcome(DCLLoss(0.2, sigma=0.5), views), theirs)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0.0}, "temperature: expected a positive number, got 0.0"),
        ({"sigma": -1.0}, "sigma: expected a positive number, got -1.0"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DCLLoss(**options)
