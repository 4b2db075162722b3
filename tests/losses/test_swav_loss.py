import pytest
import torch
from lightly.loss import SwaVLoss
from torch import Tensor

from csl.distributed import world
from csl.losses import SwAVLoss, swav_loss
from csl.losses.sinkhorn import sinkhorn
from tests.losses.rows import assert_parity, assert_same, random
from tests.two_processes import TwoProcesses

SCORES, QUEUED = random(4, 6, 5).tanh(), random(2, 7, 5, seed=1).tanh()


def _assigned(scores: Tensor) -> Tensor:
    """In the plain form, with exponentials."""
    q = (scores.detach() / 0.3).exp()
    for _ in range(3):
        q = q / q.sum(dim=0, keepdim=True)
        q = q / q.sum(dim=1, keepdim=True)
    return q


def _loss(scores: Tensor) -> Tensor:
    return swav_loss(scores, QUEUED, temperature=0.2, epsilon=0.3, group=world())


def _without_queue(scores: Tensor) -> Tensor:
    return swav_loss(scores, QUEUED[:, :0], temperature=0.2, epsilon=0.3, group=world())


def _reference(scores: Tensor) -> Tensor:
    losses = []
    for g in range(2):
        codes = _assigned(torch.cat([scores[g], QUEUED[g]]))[:6]
        losses += [-(codes * (scores[v] / 0.2).log_softmax(1)).sum(1).mean() for v in range(4) if v != g]
    return torch.stack(losses).mean()


def _lightlys(scores: Tensor) -> Tensor:
    loss = SwaVLoss(temperature=0.2, sinkhorn_epsilon=0.3)
    value: Tensor = loss(list(scores[:2]), list(scores[2:]), list(QUEUED)).squeeze()
    return value


def test_it_is_the_papers_and_lightlys() -> None:
    assert_same(_loss, _reference, SCORES)
    assert_same(_loss, _lightlys, SCORES, tolerance=1e-6)


def test_assignments_use_all_prototypes_and_follow_the_scores() -> None:
    codes = sinkhorn(torch.eye(3).repeat(4, 1), epsilon=0.05, iterations=20)
    torch.testing.assert_close(codes.sum(dim=1), torch.ones(12))
    torch.testing.assert_close(codes.sum(dim=0), torch.full((3,), 4.0))
    assert codes.argmax(dim=1).tolist() == [0, 1, 2] * 4
    crowded = torch.tensor([[9.0, 0.0], [9.0, 1.0]])  # all like the first one best
    assert sinkhorn(crowded, epsilon=0.1, iterations=50).argmax(dim=1).tolist() == [0, 1]


def test_small_epsilons_do_not_overflow() -> None:
    assert sinkhorn(torch.tensor([[1.0, -1.0], [1.0, -1.0]]), epsilon=0.001).isfinite().all()


def test_two_processes_compute_what_one_does(two_processes: TwoProcesses) -> None:
    assert_parity(two_processes, _loss, SCORES)
    assert_parity(two_processes, _without_queue, SCORES)


@pytest.mark.parametrize("name", ["temperature", "epsilon", "iterations"])
def test_numbers_must_be_positive(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: expected a positive number, got 0"):
        SwAVLoss(**{name: 0})
