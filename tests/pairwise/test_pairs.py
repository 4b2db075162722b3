import math

import pytest
import torch

from csl.pairwise import Pairs, check_features
from csl.pairwise.kernel_sums import rates_and_log_sums
from tests.pairwise.dense import dense_log_row_sums, dense_mean
from tests.pairwise.hard_data import CASES, ordinary, outlier

DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


@pytest.mark.parametrize("case", CASES)
def test_mean_distance_equals_dense(case: str) -> None:
    features = CASES[case]()
    torch.testing.assert_close(Pairs(features).mean, dense_mean(features), rtol=1e-6, atol=0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_any_floating_dtype(dtype: torch.dtype) -> None:
    features = ordinary().to(dtype)
    mean = Pairs(features).mean
    assert mean.dtype == torch.float64
    torch.testing.assert_close(mean, dense_mean(features), rtol=1e-6, atol=0)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_very_large_and_very_small_features(scale: float) -> None:
    features = ordinary()
    torch.testing.assert_close(Pairs(features * scale).mean, Pairs(features).mean * scale, rtol=1e-5, atol=0)


def test_an_outlier_does_not_underflow() -> None:
    features = outlier()
    (_, ours), (_, lower) = rates_and_log_sums(Pairs(features), [0.1, 0.01])
    assert ours[7] < -70, "in float32 without an offset this row's sum is exp of this, close to underflow"
    torch.testing.assert_close(ours, dense_log_row_sums(features, 0.1), rtol=0, atol=1e-5)
    assert torch.isfinite(lower).all()


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_samples_have_no_mean(count: int) -> None:
    assert math.isnan(Pairs(torch.ones(count, 4)).mean)


def test_two_samples() -> None:
    assert float(Pairs(torch.tensor([[0.0], [2.0]])).mean) == 2.0


def test_refuses_what_has_no_distances() -> None:
    with pytest.raises(ValueError, match=r"features: expected a matrix \[N, D\], got shape \(3,\)"):
        check_features(torch.ones(3))
    with pytest.raises(ValueError, match=r"features: expected floating point, got torch\.int64"):
        check_features(torch.ones(3, 2, dtype=torch.int64))
    bad = torch.ones(5, 2)
    bad[2, 1], bad[4, 0] = math.nan, math.inf
    with pytest.raises(ValueError, match=r"NaN or infinity in 2 of 5 rows, the first of them row 2"):
        check_features(bad)


def test_refuses_bad_temperatures() -> None:
    with pytest.raises(ValueError, match=r"temperature: expected a positive number, got 0\.0"):
        rates_and_log_sums(Pairs(ordinary()), [0.0])
    with pytest.raises(ValueError, match="temperatures: expected at least one"):
        rates_and_log_sums(Pairs(ordinary()), [])


def test_refuses_tiles_without_a_side() -> None:
    with pytest.raises(ValueError, match="tile_side: expected a positive number, got -1"):
        Pairs(ordinary(), tile_side=-1)
