import math

import pytest
import torch
from lightly.utils.debug import std_of_l2_normalized
from torch import Tensor

from csl.metrics.functional import feature_std
from tests.metrics.reference import Reference, Values, unit
from tests.pairwise.hard_data import ordinary
from tests.two_processes import TwoProcesses


def _std(x: Tensor, y: Tensor) -> Values:
    return float(unit(x).std(dim=0).mean()) * math.sqrt(x.shape[1])


REFERENCES = {
    "feature_std": Reference(_std, ("scale", "length"), two_samples=[1.0], identical=[0.0]),
}


def test_equals_lightly_times_the_root_of_the_dimension() -> None:
    features = ordinary() + 0.3
    expected = float(std_of_l2_normalized(features.double())) * 16**0.5
    assert float(feature_std(features)) == pytest.approx(expected, rel=1e-9)


def test_spread_is_one_and_collapsed_is_zero() -> None:
    assert float(feature_std(ordinary())) == pytest.approx(1, abs=0.02)
    rays = torch.arange(1.0, 9.0)[:, None] * torch.ones(8, 16)
    assert float(feature_std(rays)) == pytest.approx(0, abs=1e-12)


def test_fewer_than_two_samples_are_nan_with_a_warning() -> None:
    with pytest.warns(RuntimeWarning, match="at least two samples, got 1"):
        assert feature_std(torch.ones(1, 3)).isnan()


def test_two_processes_equal_one(two_processes: TwoProcesses) -> None:
    for together in two_processes.sharded(feature_std, [ordinary(41)]):
        torch.testing.assert_close(together, feature_std(ordinary(41)), rtol=1e-12, atol=0)
