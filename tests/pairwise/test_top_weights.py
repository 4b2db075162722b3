import pytest
import torch
from torch import Tensor

from csl.distributed import shard, world
from csl.pairwise import full_weights, top_weights
from tests.pairwise.dense import dense_w
from tests.pairwise.hard_data import CASES, duplicates, ordinary
from tests.two_processes import TwoProcesses


@pytest.mark.parametrize("case", ["ordinary", "outlier", "far from the origin", "wide"])
@pytest.mark.parametrize("side", [50, 1024])
def test_top_weights_are_the_largest_of_the_definition(case: str, side: int) -> None:
    features = CASES[case]()
    ((weights, columns),) = top_weights(features, [0.1], 7, tile_side=side)
    expected = dense_w(features, 0.1).topk(7, dim=1)
    torch.testing.assert_close(weights, expected.values, rtol=1e-4, atol=1e-12)
    assert float((columns == expected.indices).double().mean()) > 0.999


def test_equal_weights_come_in_order_of_their_columns() -> None:
    features = torch.cat([torch.zeros(20, 3), torch.ones(20, 3), -torch.ones(20, 3)])
    ((_, columns),) = top_weights(features, [0.2], 5, tile_side=7)
    assert columns[0].tolist() == [1, 2, 3, 4, 5]
    assert columns[3].tolist() == [0, 1, 2, 4, 5]
    assert columns[20].tolist() == [21, 22, 23, 24, 25]


def test_all_neighbors_of_each() -> None:
    ((weights, columns),) = top_weights(duplicates(), [0.1], 399)
    dense = full_weights(duplicates(), [0.1])[0].dense()
    torch.testing.assert_close(weights.sum(), dense.sum(), rtol=1e-5, atol=0)
    assert torch.equal(columns.sort(dim=1).values[0], torch.arange(1, 400))


def test_temperatures_share_a_pass_and_change_nothing() -> None:
    together = top_weights(ordinary(), [1.0, 0.05], 9)
    for temperature, (weights, columns) in zip([1.0, 0.05], together, strict=True):
        ((alone, same_columns),) = top_weights(ordinary(), [temperature], 9)
        assert torch.equal(weights, alone)
        assert torch.equal(columns, same_columns)


@pytest.mark.parametrize("k", [0, 400, -1])
def test_refuses_a_k_that_is_not_there(k: int) -> None:
    with pytest.raises(ValueError, match=f"k: expected 1 to 399, the number of other samples, got {k}"):
        top_weights(ordinary(), [0.1], k)


def _top_on_two(features: Tensor) -> tuple[Tensor, Tensor]:
    group = world()
    ((weights, columns),) = top_weights(features[shard(len(features), group)], [0.1], 7, group=group)
    return weights, columns


def test_two_processes_equal_one(two_processes: TwoProcesses) -> None:
    features = ordinary(101)
    parts = two_processes(_top_on_two, features)
    weights, columns = (torch.cat(part) for part in zip(*parts, strict=True))
    ((expected_weights, expected_columns),) = top_weights(features, [0.1], 7)
    torch.testing.assert_close(weights, expected_weights, rtol=1e-4, atol=0)
    assert torch.equal(columns, expected_columns)
