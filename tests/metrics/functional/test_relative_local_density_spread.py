import pytest
import torch
from torch import Tensor

from csl.metrics.functional import relative_local_density, relative_local_density_spread
from tests.metrics.reference import ANY, Reference, Values
from tests.pairwise.dense import dense_w
from tests.pairwise.hard_data import CASES, labels_for, ordinary


def _dense(x: Tensor, temperature: float) -> float:
    degrees = dense_w(x, temperature).sum(dim=1)
    return float(degrees.sum().square() / degrees.square().sum() / len(x))


def _spread(x: Tensor, y: Tensor) -> Values:
    return [_dense(x, t) for t in (1.0, 0.1)]


REFERENCES = {
    "rld_spread": Reference(
        _spread, ANY, {"temperatures": (1.0, 0.1)}, two_samples=[1.0, 1.0], one_class="reference", hard=1e-5
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_equals_dense_float64(case: str) -> None:
    features = CASES[case]()
    temperatures = [1.0, 0.2, 0.1, 0.01]
    ours = relative_local_density_spread(features, labels_for(features), temperatures)
    assert ours.tolist() == pytest.approx([_dense(features, t) for t in temperatures], rel=1e-4)


def test_labels_do_not_change_it() -> None:
    features = ordinary(60)
    ours = relative_local_density_spread(features, labels_for(features), 0.1)
    torch.testing.assert_close(ours, relative_local_density_spread(features, torch.arange(60), 0.1))


def test_a_pair_far_away_decides_density_and_shows_here() -> None:
    labels = torch.arange(1000) % 5
    features = ordinary(1000, 8) + 2 * torch.eye(8)[labels]
    before = relative_local_density_spread(features, labels, 0.1), relative_local_density(features, labels, 0.1)
    features[0] = 20.0
    features[1] = 20.5  # the nearest of the first, and of another class
    after = relative_local_density_spread(features, labels, 0.1), relative_local_density(features, labels, 0.1)
    assert float(after[0]) < 0.2 * float(before[0])
    assert float(after[1]) < float(before[1]) - 0.05


@pytest.mark.parametrize("count", [0, 1])
def test_undefined_is_nan_with_a_warning(count: int) -> None:
    with pytest.warns(RuntimeWarning, match="relative local density spread is NaN: .*at least two samples"):
        ours = relative_local_density_spread(torch.ones(count, 3), torch.zeros(count, dtype=torch.int64), [1.0, 0.1])
    assert ours.shape == (2,)
    assert ours.isnan().all()
