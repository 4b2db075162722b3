import pytest
import torch
from torch import Tensor

from csl.distributed import world
from csl.losses import DISSLLoss, dissl_loss
from tests.losses.rows import assert_parity, assert_same, random
from tests.two_processes import TwoProcesses

ASSIGNMENTS, PREDICTIONS = random(2, 6, 4), random(2, 6, 4, seed=1)


def _loss(assignments: Tensor, predictions: Tensor) -> Tensor:
    return dissl_loss(assignments, predictions, 0.7, 0.4, 2.0, 0.6, world())


def _reference(assignments: Tensor, predictions: Tensor) -> Tensor:
    t, s = ((x / T).exp() / (x / T).exp().sum(dim=2, keepdim=True) for x, T in ((assignments, 0.4), (predictions, 0.7)))
    distilled = -sum((t[0, i] * s[1, i].log()).sum() + (t[1, i] * s[0, i].log()).sum() for i in range(6)) / 12
    alike = -sum((t[0, i] * t[1, i].log()).sum() + (t[1, i] * t[0, i].log()).sum() for i in range(6)) / 12
    marginals = torch.stack([torch.stack([t[v, i] for i in range(6)]).mean(dim=0) for v in range(2)])
    entropy = -(marginals * marginals.log()).sum() / 2
    return torch.as_tensor(distilled + 0.6 * alike - 2.0 * entropy)


def test_it_is_the_papers() -> None:
    assert_same(_loss, _reference, ASSIGNMENTS, PREDICTIONS)


def test_two_processes_compute_what_one_does(two_processes: TwoProcesses) -> None:
    assert_parity(two_processes, _loss, ASSIGNMENTS, PREDICTIONS)


def test_a_class_that_nobody_has_is_no_problem() -> None:
    logits = torch.tensor([[[0.0, -1e6]]]).expand(2, 1, 2).clone().requires_grad_()
    loss = DISSLLoss()(logits, torch.zeros(2, 1, 2))
    loss.backward()
    assert loss.isfinite()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_wrong_numbers_are_named() -> None:
    with pytest.raises(ValueError, match="evenness: expected a number at least 0 and finite, got -1"):
        DISSLLoss(evenness=-1)
    with pytest.raises(ValueError, match="certainty: expected a number at least 0 and finite, got -1"):
        DISSLLoss(certainty=-1)
    with pytest.raises(ValueError, match="assignment_temperature: expected a positive number, got 0"):
        DISSLLoss(assignment_temperature=0)
