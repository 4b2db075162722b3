"""Row sums taken ahead, at a guess of the mean distance, equal those of a pass of their own."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from csl.distributed import shard, world
from csl.metrics.functional import relative_local_density
from csl.pairwise import kernel_sums, weight_block_sums
from csl.pairwise import pairs as pairs_module
from csl.pairwise.kernel import Kernel
from csl.pairwise.kernel_sums import kernels_with_sums
from csl.pairwise.pairs import Pairs
from tests.pairwise.dense import dense_log_row_sums, dense_rld
from tests.pairwise.hard_data import CASES, labels_for, ordinary, outlier
from tests.two_processes import TwoProcesses

TEMPERATURES = [1.0, 0.2, 0.1, 0.01]


@pytest.fixture(autouse=True)
def small_tiles_and_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs_module, "_SIDE_CPU", 32)
    monkeypatch.setattr(kernel_sums, "_SAMPLE", 50)


def passes_of(features: Tensor, temperatures: list[float]) -> int:
    """How many passes `kernels_with_sums` takes where distances are not kept."""
    pairs = Pairs(features, memory_budget=0)
    kernels_with_sums(pairs, temperatures)
    return pairs._passed


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_sums_equal_dense(case: str, temperature: float) -> None:
    features = CASES[case]()
    (kernel,), (sums,) = kernels_with_sums(Pairs(features, memory_budget=0), [temperature])
    tolerance = 2e-6 / temperature
    torch.testing.assert_close(kernel.log(sums), dense_log_row_sums(features, temperature), rtol=0, atol=tolerance)


@pytest.mark.parametrize("case", CASES)
def test_density_is_the_same_whether_distances_are_kept(case: str) -> None:
    features = CASES[case]()
    labels = labels_for(features)
    kept = relative_local_density(features, labels, TEMPERATURES)
    again = relative_local_density(features, labels, TEMPERATURES, memory_budget=0)
    torch.testing.assert_close(again, kept, rtol=0, atol=1e-7)
    expected = [dense_rld(features, labels, t) for t in TEMPERATURES]
    torch.testing.assert_close(again, torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-5)


def test_one_pass_where_the_guess_serves_and_two_where_it_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = CASES["wide"]()
    assert passes_of(wide, [1.0, 0.2, 0.1]) == 1
    assert passes_of(wide, [0.01]) == 2, "a kernel this narrow is taken relative to each row's nearest neighbour"
    assert passes_of(wide, [1.0, 0.01]) == 2
    monkeypatch.setattr(kernel_sums, "_SAMPLE", 200)
    outside = outlier()
    assert passes_of(outside, [0.1]) == 2, "whether the sample holds the one row that needs a reference or not"
    monkeypatch.setattr(kernel_sums, "_TOLERANCE", 0.0)
    assert passes_of(wide, [1.0, 0.2, 0.1]) == 2, "a guess that is too far off costs a pass and no digits"


@pytest.mark.parametrize("off", [1e-4, 1e-3, 1e-2, 1e-1, 1.0])
def test_a_bad_guess_is_noticed_or_harmless(monkeypatch: pytest.MonkeyPatch, off: float) -> None:
    guess = kernel_sums._guess

    def bad(pairs: Pairs) -> kernel_sums.Distances:
        found = guess(pairs)
        return found._replace(mean=found.mean * (1 + off))

    monkeypatch.setattr(kernel_sums, "_guess", bad)
    for features in (ordinary(), CASES["clumps"]()):
        kernels, sums = kernels_with_sums(Pairs(features, memory_budget=0), [1.0, 0.1])
        for kernel, row, temperature in zip(kernels, sums, [1.0, 0.1], strict=True):
            expected = dense_log_row_sums(features, temperature)
            torch.testing.assert_close(kernel.log(row), expected, rtol=0, atol=2e-6 / temperature)


def test_the_bound_holds_on_exact_sums() -> None:
    """What carrying over leaves out, in float64 and away from any rounding, is below what it is said to be."""
    distances = ordinary(60).double().square().sum(dim=1).sqrt() * torch.arange(1, 61)
    reach = float(distances.max())
    carried = 0
    for step in torch.logspace(-6, 0, 40, dtype=torch.float64).tolist():
        for rate in (0.1 / reach, 1 / reach, 10 / reach):
            a = (-rate * distances).exp()
            moments = torch.stack([a.sum(), (a * distances).sum(), (a * distances.square()).sum()])[:, None]
            true = Kernel(rate * (1 + step), None)
            found = kernel_sums._Moments(rate, moments, reach).carried_over(true)
            if found is not None:
                exact = (-true.rate * distances).exp().sum()
                assert float(found / exact - 1) == pytest.approx(0, abs=kernel_sums._TOLERANCE)
                carried += 1
    assert 20 < carried < 120, "both answers occur"


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_samples(count: int) -> None:
    with pytest.raises(ValueError, match=f"need at least two samples, got {count}"):
        kernels_with_sums(Pairs(torch.ones(count, 3), memory_budget=0), [1.0])


def test_collapsed_features_are_refused() -> None:
    with pytest.raises(ValueError, match="the features have collapsed"):
        kernels_with_sums(Pairs(torch.ones(100, 3), memory_budget=0), [1.0])


def test_progress_never_goes_back_when_a_pass_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_sums, "_TOLERANCE", 0.0)
    seen: list[float] = []
    features = ordinary()
    weight_block_sums(features, labels_for(features), 10, [0.1], memory_budget=0, progress=seen.append)
    assert all(before <= after for before, after in pairwise(seen))
    assert seen[-1] == 1.0
    assert len(seen) == 3 * (13 * 14 / 2 + 1)


def _sums_on_two(features: Tensor) -> Tensor:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairs_module, "_SIDE_CPU", 32)
        patch.setattr(kernel_sums, "_SAMPLE", 50)
        pairs = Pairs(features[shard(len(features), world())], group=world(), memory_budget=0)
        kernels, sums = kernels_with_sums(pairs, [1.0, 0.1])
    assert pairs._passed == 1
    return torch.stack([kernel.log(row) for kernel, row in zip(kernels, sums, strict=True)])


def test_two_processes_carry_over_too(two_processes: TwoProcesses) -> None:
    features = CASES["wide"]()
    kernels, sums = kernels_with_sums(Pairs(features, memory_budget=0), [1.0, 0.1])
    alone = torch.stack([kernel.log(row) for kernel, row in zip(kernels, sums, strict=True)])
    for together in two_processes(_sums_on_two, features):
        torch.testing.assert_close(together, alone, rtol=0, atol=1e-6)
