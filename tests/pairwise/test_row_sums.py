import math

import pytest
import torch

from csl.pairwise import log_row_sums, mean_distance
from tests.pairwise.dense import dense_log_row_sums, dense_mean
from tests.pairwise.hard_data import CASES, ordinary, outlier

DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


@pytest.mark.parametrize("case", CASES)
def test_mean_distance_equals_dense(case: str) -> None:
    features = CASES[case]()
    torch.testing.assert_close(mean_distance(features), dense_mean(features), rtol=1e-6, atol=0)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("temperature", [1.0, 0.1, 0.01])
def test_log_row_sums_equal_dense(case: str, temperature: float) -> None:
    features = CASES[case]()
    ours = log_row_sums(features, dense_mean(features), [temperature])
    tolerance = 2e-6 / temperature
    torch.testing.assert_close(ours[0], dense_log_row_sums(features, temperature), rtol=0, atol=tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
def test_any_floating_dtype(dtype: torch.dtype) -> None:
    features = ordinary().to(dtype)
    mean = mean_distance(features)
    assert mean.dtype == torch.float64
    torch.testing.assert_close(mean, dense_mean(features), rtol=1e-6, atol=0)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_very_large_and_very_small_features(scale: float) -> None:
    features = ordinary()
    torch.testing.assert_close(mean_distance(features * scale), mean_distance(features) * scale, rtol=1e-5, atol=0)


def test_an_outlier_does_not_underflow() -> None:
    features = outlier()
    ours = log_row_sums(features, mean_distance(features), [0.1])[0]
    assert ours[7] < -70, "in float32 without an offset this row's sum is exp of this, close to underflow"
    torch.testing.assert_close(ours, dense_log_row_sums(features, 0.1), rtol=0, atol=1e-5)
    assert torch.isfinite(log_row_sums(features, mean_distance(features), [0.01])).all()


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_samples_have_no_mean(count: int) -> None:
    assert math.isnan(mean_distance(torch.ones(count, 4)))


def test_two_samples() -> None:
    assert float(mean_distance(torch.tensor([[0.0], [2.0]]))) == 2.0


def test_refuses_what_has_no_distances() -> None:
    with pytest.raises(ValueError, match=r"features: expected a matrix \[N, D\], got shape \(3,\)"):
        mean_distance(torch.ones(3))
    with pytest.raises(ValueError, match=r"features: expected floating point, got torch\.int64"):
        mean_distance(torch.ones(3, 2, dtype=torch.int64))
    bad = torch.ones(5, 2)
    bad[2, 1], bad[4, 0] = math.nan, math.inf
    with pytest.raises(ValueError, match=r"NaN or infinity in 2 of 5 rows, the first of them row 2"):
        mean_distance(bad)


def test_refuses_bad_temperatures_and_means() -> None:
    with pytest.raises(ValueError, match=r"temperature: expected a positive number, got 0\.0"):
        log_row_sums(ordinary(), torch.tensor(1.0), [0.0])
    with pytest.raises(ValueError, match="temperatures: expected at least one"):
        log_row_sums(ordinary(), torch.tensor(1.0), [])
    with pytest.raises(ValueError, match="mean: expected a positive number"):
        log_row_sums(ordinary(), torch.tensor(0.0), [1.0])
