import math

import pytest
import torch
from torch import Tensor

from csl.losses import AMDIMLoss, amdim_loss
from tests.losses.parity import assert_it_is, random_views
from tests.losses.places import OfPlaces
from tests.two_processes import TwoProcesses

CLIP, PENALTY = 0.9, 0.3


def _reference(vectors: Tensor, *places: Tensor) -> Tensor:
    images = range(len(vectors))
    raw = torch.stack([torch.stack([vectors @ row for row in place]) for place in places]) / math.sqrt(vectors.shape[1])
    scores = CLIP * torch.tanh(raw / CLIP)  # of place, owner, image
    terms = [
        -(
            own.exp() / (own.exp() + sum(scores[n, j, i].exp() for n in range(len(places)) for j in images if j != i))
        ).log()
        for i in images
        for own in scores[:, i, i]
    ]
    return torch.stack(terms).mean() + PENALTY * (raw * raw).mean()


def test_value_and_gradient_are_the_papers(two_processes: TwoProcesses) -> None:
    assert_it_is(_reference, OfPlaces(AMDIMLoss(CLIP, PENALTY)), two_processes, random_views(count=4))


def test_no_score_exceeds_the_bound() -> None:
    vectors, places = torch.tensor([[1e4], [-1e4]]), torch.tensor([[[1.0]], [[-1.0]]])
    found = amdim_loss(vectors, places, clip=2.0, penalty=0.0)  # own scores are 2, the others −2
    torch.testing.assert_close(found.item(), math.log1p(math.exp(-4.0)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clip": 0.0}, "clip: expected a positive number, got 0.0"),
        ({"penalty": -0.1}, "penalty: expected a number at least 0 and finite, got -0.1"),
    ],
)
def test_wrong_numbers_are_named(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AMDIMLoss(**options)
