import pytest
import torch

from csl.metrics.functional import mutual_neighbors
from tests.metrics.functional.test_linear_cka import sets
from tests.metrics.reference import cosine_neighbors


@pytest.mark.parametrize("k", [1, 5, 30])
def test_equals_sets_of_neighbours(k: int) -> None:
    x, y = sets()
    pairs = zip(cosine_neighbors(x, k).tolist(), cosine_neighbors(y, k).tolist(), strict=True)
    expected = sum(len(set(a) & set(b)) for a, b in pairs) / (k * len(x))
    assert float(mutual_neighbors(x, y, k)) == pytest.approx(expected, abs=1e-12)
    assert k / (len(x) - 1) < expected < 1


def test_the_same_neighbourhoods_are_all_shared() -> None:
    x, _ = sets()
    lengths = torch.rand(len(x), 1, generator=torch.Generator().manual_seed(0)) + 0.1
    assert float(mutual_neighbors(x, lengths * x.flip(1), 9)) == 1


def test_too_many_neighbours_are_nan_and_none_are_refused() -> None:
    x, y = sets(20)
    with pytest.warns(RuntimeWarning, match="mutual neighbours at k = 20 is NaN: there are 19 other samples"):
        assert mutual_neighbors(x, y, 20).isnan()
    with pytest.raises(ValueError, match="k: expected a positive number, got 0"):
        mutual_neighbors(x, y, 0)
