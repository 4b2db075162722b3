import math

import pytest
import torch
from torch import Tensor

from csl.losses import CMCLoss
from tests.losses.parity import assert_it_is, random_views
from tests.two_processes import TwoProcesses


def _reference(first: Tensor, second: Tensor) -> Tensor:
    z, y = (rows / rows.norm(dim=1, keepdim=True) for rows in (first, second))
    total = torch.zeros((), dtype=torch.float64)
    for i in range(len(z)):
        own = (z[i] @ y[i] / 0.3).exp()
        total = total - (own / sum((z[i] @ other / 0.3).exp() for other in y)).log()
        total = total - (own / sum((y[i] @ other / 0.3).exp() for other in z)).log()
    return total / len(z)


def test_value_and_gradient_are_the_papers(two_processes: TwoProcesses) -> None:
    assert_it_is(_reference, CMCLoss(temperature=0.3), two_processes, random_views())


@pytest.mark.parametrize("temperature", [0.0, math.nan])
def test_temperature_must_be_positive(temperature: float) -> None:
    with pytest.raises(ValueError, match=f"temperature: expected a positive number, got {temperature}"):
        CMCLoss(temperature)
