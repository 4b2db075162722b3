import pytest
import torch
from torch import Tensor

from csl.distributed import world
from csl.losses import SimDINOLoss, simdino_loss
from csl.losses.coding_rate import coding_rate
from tests.losses.rows import assert_parity, assert_same, random
from tests.two_processes import TwoProcesses

STUDENTS, TEACHERS = random(4, 6, 5), random(2, 6, 5, seed=1)


def _loss(students: Tensor, teachers: Tensor) -> Tensor:
    return simdino_loss(students, teachers, 0.7, 0.5, world())


def _reference(students: Tensor, teachers: Tensor) -> Tensor:
    s = students / students.norm(dim=2, keepdim=True)
    t = (teachers / teachers.norm(dim=2, keepdim=True)).detach()
    pairs = [(g, v) for g in range(2) for v in range(4) if g != v]
    near = torch.stack([(s[v] - t[g]).square().sum(dim=1).mean() / 2 for g, v in pairs]).mean()
    rates = [torch.logdet(torch.eye(5) + 5 / (6 * 0.5) * sum(torch.outer(z, z) for z in s[g])) / 2 for g in range(2)]
    return near - 0.7 * (1 / 5 + 1 / 6) * (rates[0] + rates[1]) / 2


def test_it_is_the_papers() -> None:
    assert_same(_loss, _reference, STUDENTS, TEACHERS)


def test_collapsed_embeddings_have_the_lowest_rate() -> None:
    assert coding_rate(torch.eye(4)[None]) > coding_rate(torch.eye(4)[None, [0, 0, 1, 1]])
    assert coding_rate(torch.eye(4)[None, [0, 0, 1, 1]]) > coding_rate(torch.eye(4)[None, [0, 0, 0, 0]])


def test_two_processes_compute_what_one_does(two_processes: TwoProcesses) -> None:
    assert_parity(two_processes, _loss, STUDENTS, TEACHERS)


def test_wrong_numbers_are_named() -> None:
    with pytest.raises(ValueError, match="rate_weight: expected a number at least 0 and finite, got -1"):
        SimDINOLoss(-1)
    with pytest.raises(ValueError, match="distortion: expected a number above 0 and finite, got 0"):
        SimDINOLoss(distortion=0)
