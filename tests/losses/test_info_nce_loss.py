import math

import pytest
import torch
from torch.nn.functional import normalize

from csl.losses import InfoNCELoss


def test_value_and_gradients_are_the_formulas() -> None:
    generator = torch.Generator().manual_seed(0)
    rows = [normalize(torch.randn(n, 4, dtype=torch.float64, generator=generator), dim=1) for n in (3, 3, 5)]
    queries, keys, negatives = (row.requires_grad_() for row in rows)
    loss = InfoNCELoss(temperature=0.3)(queries, keys, negatives)
    ours = torch.autograd.grad(loss, [queries, keys, negatives])
    positive = ((queries * keys).sum(dim=1) / 0.3).exp()
    expected = -(positive / (positive + (queries @ negatives.T / 0.3).exp().sum(dim=1))).log().mean()
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(ours, torch.autograd.grad(expected, [queries, keys, negatives]))


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan])
def test_temperature_must_be_positive(temperature: float) -> None:
    with pytest.raises(ValueError, match=f"temperature: expected a positive number, got {temperature}"):
        InfoNCELoss(temperature)
