import pytest
import torch
from torch import Tensor

from csl.distributed import shard, world
from csl.pairwise import UndefinedSimilarityError, log_row_sums, mean_distance, weight_block_sums, weight_class_sums
from csl.pairwise import passes as passes_module
from tests.pairwise.dense import dense_block_sums
from tests.pairwise.hard_data import CASES, labels_for, ordinary
from tests.two_processes import TwoProcesses

TEMPERATURES = [1.0, 0.1, 0.01]


@pytest.mark.parametrize("case", CASES)
def test_block_sums_equal_dense(case: str) -> None:
    features = CASES[case]()
    labels = labels_for(features)
    ours = weight_block_sums(features, labels, 10, TEMPERATURES)
    for temperature, sums in zip(TEMPERATURES, ours, strict=True):
        expected = dense_block_sums(features, labels, 10, temperature)
        torch.testing.assert_close(sums / sums.sum(), expected / expected.sum(), rtol=0, atol=1e-6)
        torch.testing.assert_close(sums.sum(), expected.sum(), rtol=1e-4, atol=0)


def test_classes_that_no_sample_has_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes_module, "_SIDE_CPU", 64)
    features, labels = ordinary(), labels_for(ordinary())
    dense = weight_class_sums(features, labels, 10, TEMPERATURES)
    sparse = weight_class_sums(features, labels * 3 + 2, 40, TEMPERATURES)
    for expected, found in zip(dense, sparse, strict=True):
        assert torch.equal(found[:, 2:32:3], expected)
        assert int((found != 0).sum()) == expected.numel()


def _set_budget(patch: pytest.MonkeyPatch, memory_budget: int) -> None:
    defaults = passes_module.Passes.__init__.__kwdefaults__
    assert defaults is not None
    patch.setitem(defaults, "memory_budget", memory_budget)


@pytest.mark.parametrize("memory_budget", [0, 2**30])
def test_many_tiles_equal_one(monkeypatch: pytest.MonkeyPatch, memory_budget: int) -> None:
    _set_budget(monkeypatch, memory_budget)
    features, labels = ordinary(), labels_for(ordinary())
    whole = weight_block_sums(features, labels, 10, TEMPERATURES)
    monkeypatch.setattr(passes_module, "_SIDE_CPU", 33)
    torch.testing.assert_close(weight_block_sums(features, labels, 10, TEMPERATURES), whole, rtol=1e-5, atol=0)


def test_classes_without_samples_have_empty_rows() -> None:
    features = ordinary(30)
    sums = weight_block_sums(features, torch.full((30,), 2), 4, [0.5])[0]
    assert float(sums[2, 2]) > 0
    assert float(sums.sum() - sums[2, 2]) == 0


def test_refuses_labels_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"labels: expected \[30\].*got shape \(29,\)"):
        weight_block_sums(ordinary(30), torch.zeros(29, dtype=torch.int64), 2, [1.0])
    with pytest.raises(ValueError, match="labels: expected 0 to 1, got 0 to 2"):
        weight_block_sums(ordinary(30), torch.arange(30) % 3, 2, [1.0])


@pytest.mark.parametrize("features", [torch.ones(20, 4), torch.ones(1, 4), torch.ones(0, 4), torch.zeros(9, 3)])
def test_refuses_features_without_scale(features: Tensor) -> None:
    with pytest.raises(UndefinedSimilarityError, match=r"collapsed|at least two samples"):
        weight_block_sums(features, torch.zeros(len(features), dtype=torch.int64), 1, [1.0])


def _on_two(features: Tensor, labels: Tensor, memory_budget: int) -> tuple[Tensor, Tensor, Tensor]:
    with pytest.MonkeyPatch.context() as patch:
        _set_budget(patch, memory_budget)
        patch.setattr(passes_module, "_SIDE_CPU", 64)
        return _on_own_rows(features, labels)


def _on_own_rows(features: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    group = world()
    own = shard(len(features), group)
    mean = mean_distance(features[own], group=group)
    return (
        mean,
        log_row_sums(features[own], mean, TEMPERATURES, group=group),
        weight_block_sums(features[own], labels[own], 10, TEMPERATURES, group=group),
    )


@pytest.mark.parametrize("memory_budget", [0, 2**30])
@pytest.mark.parametrize("case", ["ordinary", "duplicates", "outlier"])
def test_two_processes_equal_one(two_processes: TwoProcesses, case: str, memory_budget: int) -> None:
    features = CASES[case]()[:-1]
    labels = labels_for(features)
    mean = mean_distance(features)
    alone = mean, log_row_sums(features, mean, TEMPERATURES), weight_block_sums(features, labels, 10, TEMPERATURES)
    together = two_processes(_on_two, features, labels, memory_budget)
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
        mean_distance(features, group=group)
    except ValueError as error:
        return str(error)
    return ""


def test_every_process_refuses_what_one_of_them_finds(two_processes: TwoProcesses) -> None:
    messages = two_processes(_one_bad_shard)
    assert (
        messages
        == ["features: expected finite numbers, got NaN or infinity in 1 of 20 rows, the first of them row 13"] * 2
    )
