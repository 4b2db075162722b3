"""Row sums taken ahead, at a guess of the mean distance, equal those of a pass of their own."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from csl.distributed import Shard, shard, world
from csl.metrics.functional import relative_local_density
from csl.pairwise import kernel_sums, weight_block_sums
from csl.pairwise.distances import Distances
from csl.pairwise.kernel import Kernel
from csl.pairwise.kernel_sums import _Guess, kernels_with_sums
from csl.pairwise.pairs import Pairs
from csl.pairwise.some_rows import SomeRows
from tests.pairwise.dense import dense_log_row_sums, dense_rld
from tests.pairwise.hard_data import CASES, labels_for, ordinary, outlier
from tests.pairwise.labeled import labeled
from tests.two_processes import TwoProcesses

TEMPERATURES = [1.0, 0.2, 0.1, 0.01]


@pytest.fixture(autouse=True)
def small_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_sums, "_SAMPLE", 50)


def passes_of(features: Tensor, temperatures: list[float]) -> int:
    """How many passes `kernels_with_sums` takes where distances are not kept."""
    pairs = Pairs(features, memory_budget=0, tile_side=32)
    kernels_with_sums(pairs, temperatures)
    return pairs.count._done


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_sums_equal_dense(case: str, temperature: float) -> None:
    features = CASES[case]()
    (kernel,), (sums,) = kernels_with_sums(Pairs(features, memory_budget=0, tile_side=32), [temperature])
    tolerance = 2e-6 / temperature
    torch.testing.assert_close(kernel.log(sums), dense_log_row_sums(features, temperature), rtol=0, atol=tolerance)


@pytest.mark.parametrize("case", CASES)
def test_density_is_the_same_whether_distances_are_kept(case: str) -> None:
    features = CASES[case]()
    labels = labels_for(features)
    kept = relative_local_density(features, labels, TEMPERATURES, tile_side=32)
    again = relative_local_density(features, labels, TEMPERATURES, memory_budget=0, tile_side=32)
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


@pytest.mark.parametrize("case", CASES)
def test_norms_bound_what_they_are_asked_for(case: str) -> None:
    pairs = Pairs(CASES[case](), tile_side=32)
    least, largest = pairs.norms
    farthest = max(float(tile.distances[tile.distances.isfinite()].max()) for tile in pairs.tiles())
    assert float(pairs.nearest.max()) <= least + largest
    assert farthest <= 2 * largest


def test_nearest_distances_take_a_pass_of_their_own_only_where_the_guess_did_not_foresee_them() -> None:
    kept = Pairs(CASES["wide"](), tile_side=32)
    kernels_with_sums(kept, [1.0, 0.2, 0.1])
    assert (kept.count._done, kept.knows_nearest) == (2, False), "norms tell that no row needs a reference"
    kept = Pairs(CASES["wide"](), tile_side=32)
    kernels_with_sums(kept, [1.0, 0.01])
    assert (kept.count._done, kept.knows_nearest) == (2, True)


def spoil_guess(monkeypatch: pytest.MonkeyPatch, off: float) -> None:
    """Make the guess of the mean distance wrong by this share."""
    honest = SomeRows.distances

    def spoiled(self: SomeRows, rows: Tensor, shares: Tensor) -> Distances:
        found = honest(self, rows, shares)
        return found._replace(mean=found.mean * (1 + off))

    monkeypatch.setattr(SomeRows, "distances", spoiled)


@pytest.mark.parametrize("off", [1e-4, 1e-3, 1e-2, 1e-1, 1.0, -1e-3, -1e-1])
def test_a_bad_guess_is_noticed_or_harmless(monkeypatch: pytest.MonkeyPatch, off: float) -> None:
    spoil_guess(monkeypatch, off)
    for features in (ordinary(), CASES["clumps"]()):
        kernels, sums = kernels_with_sums(Pairs(features, memory_budget=0, tile_side=32), [1.0, 0.1])
        for kernel, row, temperature in zip(kernels, sums, [1.0, 0.1], strict=True):
            expected = dense_log_row_sums(features, temperature)
            torch.testing.assert_close(kernel.log(row), expected, rtol=0, atol=2e-6 / temperature)


@pytest.mark.parametrize("off", [-0.1, 0.1])
def test_one_row_too_far_off_is_enough(monkeypatch: pytest.MonkeyPatch, off: float) -> None:
    """Rows of a tight clump, whose sums hardly depend on the rate, do not vote down those of the rest."""
    spoil_guess(monkeypatch, off)
    features = torch.cat([ordinary(200, 20), 20 + 1e-5 * ordinary(200, 20)])
    assert passes_of(features, [0.05]) == 2


def test_no_two_samples_are_out_of_reach() -> None:
    pairs = Pairs(ordinary(), memory_budget=0, tile_side=32)
    (moments,) = kernel_sums._measured_with_moments(pairs, _Guess(1.0, {0: Kernel(1.0, None)}), 1.0).values()
    farthest = max(float(tile.distances[tile.distances.isfinite()].max()) for tile in pairs.tiles())
    assert farthest <= moments.reach <= 2 * farthest


def test_what_is_left_out_is_bounded_and_not_by_far() -> None:
    """In float64, away from any rounding, for samples whose distances are spread in many ways."""
    generator = torch.Generator().manual_seed(0)
    tightest = 0.0
    for _ in range(300):
        spread = 3 * torch.rand(1, generator=generator, dtype=torch.float64)
        distances = torch.rand(50, generator=generator, dtype=torch.float64) ** spread
        reach = float(distances.max())
        rate = float(20 * torch.rand(1, generator=generator))
        step = float(torch.randn(1, generator=generator)) * 10 ** float(1 - 3 * torch.rand(1, generator=generator))
        a = (-rate * distances).exp()
        sums = torch.stack([a.sum(), (a * distances).sum(), (a * distances.square()).sum()])[:, None]
        moments = kernel_sums._Moments(rate, sums, reach)
        carried = moments.sums[0].log() + moments._variance * (step**2 / 2) - moments._mean * step
        error = float((carried - (-(rate + step) * distances).exp().sum().log()).abs())
        bound = float(moments.left_out(step))
        assert error <= bound + 1e-13
        tightest = max(tightest, error / bound if bound > 1e-9 else 0.0)
    assert tightest > 0.2, "a bound that is never nearly reached would refuse guesses that serve"


def test_carrying_over_is_what_the_formula_says() -> None:
    distances = torch.linspace(0.5, 1.5, 100, dtype=torch.float64)
    a = (-10.0 * distances).exp()
    sums = torch.stack([a.sum(), (a * distances).sum(), (a * distances.square()).sum()])[:, None]
    moments = kernel_sums._Moments(10.0, sums, 1.5)
    near = moments.carried_over(Kernel(10.01, None))
    assert near is not None
    torch.testing.assert_close(near, (-10.01 * distances).exp().sum()[None], rtol=1e-7, atol=0)
    assert moments.carried_over(Kernel(11.0, None)) is None
    assert moments.carried_over(Kernel(10.01, torch.zeros(1))) is None, "sums relative to a reference are others"


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_samples(count: int) -> None:
    with pytest.raises(ValueError, match=f"need at least two samples, got {count}"):
        kernels_with_sums(Pairs(torch.ones(count, 3), memory_budget=0, tile_side=32), [1.0])


def test_collapsed_features_are_refused() -> None:
    with pytest.raises(ValueError, match="the features have collapsed"):
        kernels_with_sums(Pairs(torch.ones(100, 3), memory_budget=0, tile_side=32), [1.0])


def test_progress_never_goes_back_when_a_pass_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_sums, "_TOLERANCE", 0.0)
    seen: list[float] = []
    features = ordinary()
    pairs = labeled(features, labels_for(features), memory_budget=0, tile_side=32, progress=seen.append)
    weight_block_sums(pairs, [0.1])
    assert all(before <= after for before, after in pairwise(seen))
    assert seen[-1] == 1.0
    assert len(seen) == 3 * (len(list(Pairs(features, tile_side=32).tiles())) + 1)


def _sums_on_two(features: Tensor) -> Tensor:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel_sums, "_SAMPLE", 50)
        own = features[shard(len(features), world())]
        pairs = Pairs(own, Shard.of(len(own), world()), memory_budget=0, tile_side=32)
        kernels, sums = kernels_with_sums(pairs, [1.0, 0.1])
    assert pairs.count._done == 1
    return torch.stack([kernel.log(row) for kernel, row in zip(kernels, sums, strict=True)])


def test_two_processes_carry_over_too(two_processes: TwoProcesses) -> None:
    features = CASES["wide"]()
    kernels, sums = kernels_with_sums(Pairs(features, memory_budget=0, tile_side=32), [1.0, 0.1])
    alone = torch.stack([kernel.log(row) for kernel, row in zip(kernels, sums, strict=True)])
    for together in two_processes(_sums_on_two, features):
        torch.testing.assert_close(together, alone, rtol=0, atol=1e-6)
