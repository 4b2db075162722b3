from typing import Any

import pytest
import torch
from torch import Tensor

from csl.distributed import Shard, world
from csl.pairwise import Pairs, UndefinedSimilarityError, check_features, weight_block_sums, weight_class_sums
from csl.pairwise.kernel_sums import rates_and_log_sums
from tests.pairwise.dense import dense_block_sums
from tests.pairwise.hard_data import CASES, labels_for, ordinary
from tests.pairwise.labeled import labeled
from tests.two_processes import TwoProcesses

TEMPERATURES = [1.0, 0.1, 0.01]


@pytest.mark.parametrize("case", CASES)
def test_block_sums_equal_dense(case: str) -> None:
    features = CASES[case]()
    labels = labels_for(features)
    ours = weight_block_sums(labeled(features, labels), TEMPERATURES)
    for temperature, sums in zip(TEMPERATURES, ours, strict=True):
        expected = dense_block_sums(features, labels, 10, temperature)
        torch.testing.assert_close(sums / sums.sum(), expected / expected.sum(), rtol=0, atol=1e-6)
        torch.testing.assert_close(sums.sum(), expected.sum(), rtol=1e-4, atol=0)


def test_classes_that_no_sample_has_change_nothing() -> None:
    features, labels = ordinary(), labels_for(ordinary())
    dense = weight_class_sums(labeled(features, labels, tile_side=64), TEMPERATURES)
    sparse = weight_class_sums(labeled(features, labels * 3 + 2, 40, tile_side=64), TEMPERATURES)
    for expected, found in zip(dense, sparse, strict=True):
        assert torch.equal(found[:, 2:32:3], expected)
        assert int((found != 0).sum()) == expected.numel()


@pytest.mark.parametrize("memory_budget", [0, 2**30])
def test_many_tiles_equal_one(memory_budget: int) -> None:
    features, labels = ordinary(), labels_for(ordinary())
    whole, parts = (
        weight_block_sums(labeled(features, labels, memory_budget=memory_budget, tile_side=side), TEMPERATURES)
        for side in (1024, 33)
    )
    torch.testing.assert_close(parts, whole, rtol=1e-5, atol=0)


def test_classes_without_samples_have_empty_rows() -> None:
    features = ordinary(30)
    sums = weight_block_sums(labeled(features, torch.full((30,), 2), 4), [0.5])[0]
    assert float(sums[2, 2]) > 0
    assert float(sums.sum() - sums[2, 2]) == 0


@pytest.mark.parametrize("features", [torch.ones(20, 4), torch.ones(1, 4), torch.ones(0, 4), torch.zeros(9, 3)])
def test_refuses_features_without_scale(features: Tensor) -> None:
    with pytest.raises(UndefinedSimilarityError, match=r"collapsed|at least two samples"):
        weight_block_sums(labeled(features, torch.zeros(len(features)), 1), [1.0])


def _sums(features: Tensor, labels: Tensor, **options: Any) -> tuple[Tensor, Tensor, Tensor]:
    """The mean distance, the logarithms of row sums and the block sums."""
    pairs = Pairs(features, Shard.of(len(features), options.pop("group", None)), **options)
    logs = torch.stack([logs for _, logs in rates_and_log_sums(pairs, TEMPERATURES)])
    blocks = weight_block_sums(labeled(features, labels, group=pairs.group, **options), TEMPERATURES)
    return pairs.mean, logs, blocks


@pytest.mark.parametrize("memory_budget", [0, 2**30])
@pytest.mark.parametrize("case", ["ordinary", "duplicates", "outlier"])
def test_two_processes_equal_one(two_processes: TwoProcesses, case: str, memory_budget: int) -> None:
    features = CASES[case]()[:-1]
    labels = labels_for(features)
    alone = _sums(features, labels)
    together = two_processes.sharded(_sums, [features, labels], memory_budget=memory_budget, tile_side=64)
    for ours, other, expected in zip(*together, alone, strict=True):
        assert torch.equal(ours, other)
        torch.testing.assert_close(ours, expected, rtol=1e-5, atol=1e-6)
    shares = [result[2] / result[2].sum(dim=(1, 2), keepdim=True) for result in (together[0], alone)]
    torch.testing.assert_close(*shares, rtol=0, atol=1e-6)


def _one_bad_shard() -> str:
    group = world()
    features = ordinary(10)
    if torch.distributed.get_rank() == 1:
        features[3] = torch.nan
    try:
        check_features(features, group)
    except ValueError as error:
        return str(error)
    return ""


def test_every_process_refuses_what_one_of_them_finds(two_processes: TwoProcesses) -> None:
    messages = two_processes(_one_bad_shard)
    assert (
        messages
        == ["features: expected finite numbers, got NaN or infinity in 1 of 20 rows, the first of them row 13"] * 2
    )
