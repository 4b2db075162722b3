import math

import pytest
import torch
from torch import Tensor

from csl.losses import SpectralContrastiveLoss
from tests.losses.parity import assert_it_is, outcome, random_views
from tests.two_processes import TwoProcesses

MU = 4.0


def _clip(row: Tensor) -> Tensor:
    return row if row.norm() <= math.sqrt(MU) else row / row.norm() * math.sqrt(MU)


def _reference(first: Tensor, second: Tensor) -> Tensor:
    f, g = [_clip(row) for row in first], [_clip(row) for row in second]
    images = len(f)
    attraction = sum(-2 * (f[i] @ g[i]) for i in range(images)) / images
    pairs = [(f[i] @ g[j]) ** 2 for i in range(images) for j in range(images) if i != j]
    return (attraction + torch.stack(pairs).mean()) / MU


def test_value_and_gradient_are_the_papers(two_processes: TwoProcesses) -> None:
    views = random_views()
    lengths = views.norm(dim=2)
    assert (lengths > math.sqrt(MU)).any()
    assert (lengths < math.sqrt(MU)).any()
    assert_it_is(_reference, SpectralContrastiveLoss(MU), two_processes, views)


def test_gradient_of_a_zero_vector_is_finite() -> None:
    _, gradient = outcome(SpectralContrastiveLoss(), torch.zeros(2, 3, 4))
    assert gradient.isfinite().all()


@pytest.mark.parametrize("mu", [0.0, math.nan])
def test_mu_must_be_positive(mu: float) -> None:
    with pytest.raises(ValueError, match=f"mu: expected a number above 0 and finite, got {mu}"):
        SpectralContrastiveLoss(mu)
