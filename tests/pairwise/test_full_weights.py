import pytest
import torch
from torch import Tensor

from csl.distributed import Group
from csl.pairwise import full_weights
from tests.pairwise.dense import dense_w
from tests.pairwise.hard_data import CASES, ordinary
from tests.two_processes import TwoProcesses


@pytest.mark.parametrize("case", CASES)
def test_written_out_they_are_the_definition(case: str) -> None:
    features = CASES[case]()
    ours = full_weights(features, [0.1])[0].dense()
    assert torch.equal(ours, ours.T)
    assert (ours.diagonal() == 0).all()
    torch.testing.assert_close(ours, dense_w(features, 0.1), rtol=2e-4, atol=1e-9)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("memory_budget", [0, 10**9])
def test_computed_anew_they_make_the_same_products(case: str, memory_budget: int) -> None:
    features = CASES[case]()
    x = torch.randn(len(features), 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    for weights in full_weights(features, [0.5, 0.1], memory_budget=memory_budget, tile_side=64):
        torch.testing.assert_close(weights.product(x), weights.dense() @ x, rtol=1e-12, atol=1e-12)


def _dense_and_product(features: Tensor, x: Tensor, group: Group = None) -> tuple[Tensor, Tensor]:
    (weights,) = full_weights(features, [0.1], group=group)
    return weights.dense(), weights.product(x)


def test_two_processes_equal_one(two_processes: TwoProcesses) -> None:
    features, x = ordinary(101), torch.ones(101, 2, dtype=torch.float64)
    together = two_processes.sharded(_dense_and_product, [features], x)
    for found, expected in zip(zip(*together, strict=True), _dense_and_product(features, x), strict=True):
        torch.testing.assert_close(torch.cat(found), expected, rtol=1e-5, atol=0)
