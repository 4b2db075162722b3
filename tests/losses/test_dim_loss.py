import math
from typing import Any

import pytest
import torch
from torch import Tensor

from csl.losses import DIMLoss, dim_loss
from tests.losses.parity import assert_it_is, random_views
from tests.losses.places import OfPlaces
from tests.two_processes import TwoProcesses


def _scores(vectors: Tensor, places: tuple[Tensor, ...]) -> tuple[list[list[Tensor]], list[list[Tensor]]]:
    """For each image, its scores for its own places and for all places of others."""
    images = range(len(vectors))
    own = [[vectors[i] @ place[i] / math.sqrt(vectors.shape[1]) for place in places] for i in images]
    others = [
        [vectors[i] @ place[j] / math.sqrt(vectors.shape[1]) for place in places for j in images if j != i]
        for i in images
    ]
    return own, others


def _nce(vectors: Tensor, *places: Tensor) -> Tensor:
    own, others = _scores(vectors, places)
    terms = [
        -(u.exp() / (u.exp() + sum(other.exp() for other in others[i]))).log() for i, row in enumerate(own) for u in row
    ]
    return torch.stack(terms).mean()


def _jsd(vectors: Tensor, *places: Tensor) -> Tensor:
    own, others = _scores(vectors, places)
    right = torch.stack([(1 + (-u).exp()).log() for row in own for u in row])
    wrong = torch.stack([(1 + u.exp()).log() for row in others for u in row])
    return right.mean() + wrong.mean()


@pytest.mark.parametrize(("estimator", "reference"), [("nce", _nce), ("jsd", _jsd)])
def test_value_and_gradient_are_the_papers(two_processes: TwoProcesses, estimator: Any, reference: Any) -> None:
    assert_it_is(reference, OfPlaces(DIMLoss(estimator)), two_processes, random_views(count=4))


@pytest.mark.parametrize("estimator", ["nce", "jsd"])
def test_an_image_alone_has_nothing_to_be_told_from(estimator: Any) -> None:
    vectors, places = torch.ones(1, 4, requires_grad=True), torch.ones(1, 3, 4)
    loss = dim_loss(vectors, places, estimator)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(loss.item(), 0.0 if estimator == "nce" else math.log1p(math.exp(-2)))
    assert vectors.grad is not None
    assert vectors.grad.isfinite().all()


def test_another_estimator_is_an_error() -> None:
    with pytest.raises(ValueError, match="estimator: expected 'nce' or 'jsd', got 'dv'"):
        DIMLoss("dv")  # type: ignore[arg-type]
