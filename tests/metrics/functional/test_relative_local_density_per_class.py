import pytest
import torch
from torch import Tensor

from csl.metrics.functional import relative_local_density, relative_local_density_per_class
from tests.metrics.reference import ANY, Reference, Values
from tests.pairwise.dense import dense_contributions
from tests.pairwise.hard_data import CASES, labels_for, ordinary
from tests.two_processes import TwoProcesses


def _rld_per_class(x: Tensor, y: Tensor) -> Values:
    return [share for t in (1.0, 0.1) for share in dense_contributions(x, y, t)]


REFERENCES = {
    "rld_per_class": Reference(
        _rld_per_class, ANY, {"temperatures": (1.0, 0.1)}, two_samples=[-0.25] * 4, one_class=[0.0, 0.0]
    ),
}


TEMPERATURES = [1.0, 0.2, 0.1, 0.01]


@pytest.mark.parametrize("case", CASES)
def test_equals_dense_float64_and_adds_up(case: str) -> None:
    features = CASES[case]()
    labels = labels_for(features).clamp(max=6) * 3 - 5  # one class is larger than the others
    ours = relative_local_density_per_class(features, labels, TEMPERATURES)
    for temperature, contributions in zip(TEMPERATURES, ours, strict=True):
        assert contributions.tolist() == pytest.approx(dense_contributions(features, labels, temperature), abs=1e-5)
    torch.testing.assert_close(ours.sum(dim=1), relative_local_density(features, labels, TEMPERATURES))


def test_a_float_gives_a_vector() -> None:
    features = ordinary(40)
    ours = relative_local_density_per_class(features, labels_for(features), 0.2)
    assert ours.shape == (10,)
    torch.testing.assert_close(ours, relative_local_density_per_class(features, labels_for(features), [0.2])[0])


def test_a_class_for_every_sample() -> None:
    features = ordinary(60)
    ours = relative_local_density_per_class(features, torch.arange(60), 0.2)
    assert ours.tolist() == pytest.approx(dense_contributions(features, torch.arange(60), 0.2), abs=1e-7)
    assert bool((ours < 0).all())


@pytest.mark.parametrize("count", [0, 1])
def test_undefined_is_nan_with_a_warning(count: int) -> None:
    with pytest.warns(RuntimeWarning, match="relative local density per class is NaN: .*at least two samples"):
        ours = relative_local_density_per_class(torch.ones(count, 3), torch.zeros(count, dtype=torch.int64), [1.0, 0.1])
    assert ours.shape == (2, count)
    assert ours.isnan().all()


def test_two_processes_equal_one(two_processes: TwoProcesses) -> None:
    features = ordinary(101)
    labels = labels_for(features)
    alone = relative_local_density_per_class(features, labels, TEMPERATURES)
    for together in two_processes.sharded(relative_local_density_per_class, [features, labels], TEMPERATURES):
        torch.testing.assert_close(together, alone, rtol=0, atol=1e-6)
