import math

import pytest
import torch
from torch import Tensor

from csl.losses import NNCLRLoss
from tests.losses.parity import assert_it_is, random_views
from tests.two_processes import TwoProcesses


def _reference(neighbors: Tensor, predictions: Tensor) -> Tensor:
    n, p = (rows / rows.norm(dim=1, keepdim=True) for rows in (neighbors, predictions))
    shares = [(n[i] @ p[i] / 0.3).exp() / (p @ n[i] / 0.3).exp().sum() for i in range(len(n))]
    return -torch.stack(shares).log().mean()


def test_value_and_gradient_are_the_papers(two_processes: TwoProcesses) -> None:
    assert_it_is(_reference, NNCLRLoss(temperature=0.3), two_processes, random_views())


@pytest.mark.parametrize("temperature", [0.0, math.nan])
def test_temperature_must_be_positive(temperature: float) -> None:
    with pytest.raises(ValueError, match=f"temperature: expected a positive number, got {temperature}"):
        NNCLRLoss(temperature)
