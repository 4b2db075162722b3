import pytest
import torch
from torch import Tensor

from csl.metrics.functional import estimate_relative_local_density, relative_local_density
from tests.pairwise.hard_data import CASES, labels_for, ordinary
from tests.two_processes import TwoProcesses

TEMPERATURES = [1.0, 0.2, 0.1, 0.02]


def _clumps(count: int = 200, size: int = 6) -> tuple[Tensor, Tensor]:
    """Each class spread over many small clumps, as contrastive encoders do it."""
    centers = ordinary(count, 8).repeat_interleave(size, dim=0)
    labels = (torch.arange(count) % 5).repeat_interleave(size)
    return centers + 0.3 * torch.randn(centers.shape, generator=torch.Generator().manual_seed(1)), labels


@pytest.mark.parametrize("seed", range(4))
def test_covers_the_exact_value(seed: int) -> None:
    features, labels = _clumps()
    exact = relative_local_density(features, labels, TEMPERATURES)
    value, error, *_ = estimate_relative_local_density(features, labels, TEMPERATURES, samples=100, seed=seed)
    assert bool(((value - exact).abs() < 4 * error).all()), (value - exact) / error
    assert bool((error < 0.03).all())


def test_a_subsample_does_not_which_is_why_it_is_not_done() -> None:
    features, labels = _clumps()
    exact = relative_local_density(features, labels, 0.1)
    order = torch.randperm(len(features), generator=torch.Generator().manual_seed(0))
    parts = torch.split(order, 200)
    few = torch.stack([relative_local_density(features[part], labels[part], 0.1) for part in parts])
    assert float(few.mean() - exact) < -3 * float(few.std()) / len(parts) ** 0.5


def test_is_unbiased_and_its_standard_error_is_its_spread() -> None:
    features, labels = _clumps(50)
    exact = relative_local_density(features, labels, TEMPERATURES)
    estimates = [
        estimate_relative_local_density(features, labels, TEMPERATURES, samples=40, repeats=8, seed=1000 * seed)
        for seed in range(40)
    ]
    values = torch.stack([estimate.value for estimate in estimates])
    errors = torch.stack([estimate.standard_error for estimate in estimates])
    spread = values.std(dim=0)
    assert bool(((values.mean(dim=0) - exact).abs() < 4 * spread / len(values) ** 0.5).all())
    claimed = errors.square().mean(dim=0).sqrt()
    assert bool((claimed / spread > 0.6).all()), claimed / spread
    assert bool((claimed / spread < 1.7).all()), claimed / spread


def test_the_interval_holds_the_exact_value_as_often_as_it_says() -> None:
    features, labels = _clumps(30)
    exact = relative_local_density(features, labels, 0.2)
    shares = dict.fromkeys((0.5, 0.95), 0)
    for seed in range(100):
        estimate = estimate_relative_local_density(features, labels, 0.2, samples=20, repeats=5, seed=1000 * seed)
        for confidence in shares:
            low, high = estimate.interval(confidence)
            shares[confidence] += int(low <= exact <= high)
    assert 35 <= shares[0.5] <= 65, shares  # three standard deviations of 100 draws
    assert shares[0.95] >= 88, shares


def test_counts_the_rows_that_it_drew() -> None:
    features, labels = _clumps(50)  # of five classes
    counted = [
        estimate_relative_local_density(features, labels, 0.2, samples=samples, repeats=3) for samples in (1, 50, 1000)
    ]
    assert [estimate.rows for estimate in counted] == [3 * 5, 3 * 50, 3 * len(features)]
    assert {estimate.repeats for estimate in counted} == {3}


@pytest.mark.parametrize("case", CASES)
def test_is_near_on_hard_data(case: str) -> None:
    features = CASES[case]()
    labels = labels_for(features)
    exact = relative_local_density(features, labels, TEMPERATURES)
    value, error, *_ = estimate_relative_local_density(features, labels, TEMPERATURES, samples=200)
    assert value.isfinite().all()
    assert bool(((value - exact).abs() < 5 * error + 1e-3).all()), (value - exact, error)


def test_the_seed_decides_and_more_samples_err_less() -> None:
    features, labels = _clumps(50)
    first, again, other = (
        estimate_relative_local_density(features, labels, 0.1, samples=20, seed=s) for s in (0, 0, 1)
    )
    assert torch.equal(first.value, again.value)
    assert float(first.value) != float(other.value)
    more = estimate_relative_local_density(features, labels, 0.1, samples=200, repeats=20)
    assert float(more.standard_error) < 0.6 * float(first.standard_error)


def test_a_float_gives_scalars_and_progress_ends_at_one() -> None:
    seen: list[float] = []
    estimate = estimate_relative_local_density(
        ordinary(), labels_for(ordinary()), 0.2, samples=30, progress=seen.append
    )
    assert estimate.value.shape == estimate.standard_error.shape == ()
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_more_samples_than_there_are_and_classes_of_one() -> None:
    features = ordinary(30)
    labels = torch.arange(30) % 7 * 100 - 3
    labels[4] = 2**40
    exact = relative_local_density(features, labels, 0.2)
    estimate = estimate_relative_local_density(features, labels, 0.2, samples=1000)
    # All rows are drawn every time: what is left to chance is one neighbour each.
    assert float(estimate.value) == pytest.approx(float(exact), abs=4 * float(estimate.standard_error) + 1e-4)


@pytest.mark.parametrize(
    ("features", "reason"), [(torch.zeros(0, 4), "got 0"), (torch.ones(1, 4), "got 1"), (torch.ones(9, 4), "collapsed")]
)
def test_undefined_is_nan_with_a_warning(features: Tensor, reason: str) -> None:
    labels = torch.zeros(len(features), dtype=torch.int64)
    with pytest.warns(RuntimeWarning, match=f"estimate of relative local density is NaN: .*{reason}"):
        estimate = estimate_relative_local_density(features, labels, [1.0, 0.1])
    assert estimate.value.isnan().all()
    assert estimate.standard_error.isnan().all()
    assert estimate.value.shape == (2,)


def test_refuses_bad_input() -> None:
    features, labels = ordinary(20), torch.arange(20) % 2
    for samples, repeats in ((0, 10), (10, 1)):
        with pytest.raises(ValueError, match=r"repeats: expected 2 or more|samples: expected a positive number"):
            estimate_relative_local_density(features, labels, 0.1, samples=samples, repeats=repeats)
    with pytest.raises(ValueError, match=r"labels: expected \[20\]"):
        estimate_relative_local_density(features, labels[1:], 0.1)
    features[3] = torch.nan
    with pytest.raises(ValueError, match="NaN or infinity in 1 of 20 rows, the first of them row 3"):
        estimate_relative_local_density(features, labels, 0.1)


def test_two_processes_estimate_the_same_value(two_processes: TwoProcesses) -> None:
    features, labels = _clumps()
    exact = relative_local_density(features, labels, TEMPERATURES)
    function = estimate_relative_local_density
    first, second = two_processes.sharded(function, [features, labels], TEMPERATURES, samples=100)
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
    assert bool(((first[0] - exact).abs() < 4 * first[1]).all())
