import pytest
import torch
from torch import Tensor

from csl.distributed import Group
from csl.pairwise import class_distance_sums, distances_within
from tests.pairwise.dense import dense_distances
from tests.pairwise.hard_data import CASES, ordinary
from tests.pairwise.labeled import labeled
from tests.pairwise.test_streaming import Largest
from tests.two_processes import TwoProcesses


def _labels(features: Tensor) -> Tensor:
    return torch.arange(len(features)) % 7


def _sums(features: Tensor, labels: Tensor, budget: int) -> Tensor:
    """Of all samples, in the order of the labels, over their mean."""
    found = list(class_distance_sums(labeled(features, labels, 7, memory_budget=budget, tile_side=32), budget))
    assert torch.equal(torch.cat([classes for classes, _ in found]), labels.sort().values)
    sums = torch.cat([block for _, block in found])
    return sums / sums.mean()


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("budget", [0, 8 * 7 * 100, 2**20])
def test_sums_equal_dense(case: str, budget: int) -> None:
    features = CASES[case]()
    labels = _labels(features)
    dense = dense_distances(features)[labels.argsort(stable=True)] @ torch.eye(7, dtype=torch.float64)[labels]
    torch.testing.assert_close(_sums(features, labels, budget), dense / dense.mean(), rtol=1e-5, atol=0)


@pytest.mark.parametrize("case", CASES)
def test_distances_within_equal_dense(case: str) -> None:
    features = CASES[case]()
    dense, labels = dense_distances(features), _labels(features)
    dense /= dense.sum() / (len(dense) * (len(dense) - 1))
    same = labels[:, None] == labels
    found = torch.stack(distances_within(labeled(features, labels, 7, tile_side=32)))
    torch.testing.assert_close(found, torch.stack([dense[same].sum(), dense[~same].sum()]), rtol=1e-5, atol=0)


def test_as_many_classes_as_samples_take_no_square() -> None:
    features = ordinary()
    with Largest() as largest:
        pairs = labeled(features, torch.arange(400), 400, memory_budget=0, tile_side=32)
        for _, sums in class_distance_sums(pairs, memory_budget=0):
            assert sums.shape == (min(32, len(sums)), 400)
        distances_within(pairs)
    assert largest.entries <= 32 * 400


def test_progress_of_blocks_ends_at_one() -> None:
    seen: list[float] = []
    features = ordinary(100)
    pairs = labeled(features, _labels(features), 7, memory_budget=0, tile_side=32, progress=seen.append)
    list(class_distance_sums(pairs, memory_budget=0))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def _found(features: Tensor, labels: Tensor, budget: int, group: Group) -> tuple[Tensor, Tensor]:
    pairs = labeled(features, labels, 7, group=group, memory_budget=budget, tile_side=32)
    found = list(class_distance_sums(pairs, budget))
    return torch.cat([classes for classes, _ in found]), torch.cat([sums for _, sums in found])


@pytest.mark.parametrize("first", [0, 33, 101])
@pytest.mark.parametrize("budget", [0, 2**20])
def test_two_processes_equal_one(two_processes: TwoProcesses, first: int, budget: int) -> None:
    features = ordinary(101)
    labels = _labels(features).sort().values
    ((_, alone),) = class_distance_sums(labeled(features, labels, 7))
    together = two_processes.sharded(_found, [features, labels], budget, cut=first)
    classes, sums = (torch.cat(part) for part in zip(*together, strict=True))
    assert torch.equal(classes, labels)
    torch.testing.assert_close(sums, alone, rtol=1e-6, atol=0)
