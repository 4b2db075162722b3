import pytest
import torch
from torch import Tensor

from csl.distributed import world
from csl.losses import MoCoV3Loss, moco_v3_loss
from tests.losses.rows import assert_parity, assert_same, random
from tests.two_processes import TwoProcesses

QUERIES, KEYS = random(6, 5), random(6, 5, seed=1)


def _loss(queries: Tensor, keys: Tensor) -> Tensor:
    return moco_v3_loss(queries, keys, 0.3, world())


def _reference(queries: Tensor, keys: Tensor) -> Tensor:
    total = torch.zeros((), dtype=torch.float64)
    q = queries / queries.norm(dim=1, keepdim=True)
    k = (keys / keys.norm(dim=1, keepdim=True)).detach()
    for i in range(6):
        total = total - torch.log(torch.exp(q[i] @ k[i] / 0.3) / sum(torch.exp(q[i] @ other / 0.3) for other in k))
    return 2 * 0.3 * total / 6


def test_it_is_the_papers() -> None:
    assert_same(_loss, _reference, QUERIES, KEYS)


def test_two_processes_compute_what_one_does(two_processes: TwoProcesses) -> None:
    assert_parity(two_processes, _loss, QUERIES, KEYS)


def test_the_temperature_must_be_positive() -> None:
    with pytest.raises(ValueError, match="temperature: expected a positive number, got 0"):
        MoCoV3Loss(0)
