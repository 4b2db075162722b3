import pytest
import torch
from scipy.spatial.distance import cdist
from scipy.stats import rankdata
from torch import Tensor

from csl.metrics.functional import information_imbalance
from tests.metrics.functional.test_linear_cka import sets
from tests.two_processes import TwoProcesses


def by_ranks(x: Tensor, y: Tensor) -> float:
    """From x to y, by the N×N ranks of the paper; equal distances share their mean rank."""
    one, other = (cdist(rows.double().numpy(), rows.double().numpy()) for rows in (x, y))
    total = 0.0
    for i in range(len(x)):
        others = [j for j in range(len(x)) if j != i]
        nearest = int(one[i, others].argmin())
        total += float(rankdata(other[i, others])[nearest])
    return 2 * total / len(x) ** 2


@pytest.mark.parametrize("n", [3, 120, 1100])  # 1,100 take several tiles
def test_equals_the_definition_by_ranks(n: int) -> None:
    x, y = sets(n)
    expected = [by_ranks(x, y), by_ranks(y, x)]
    # Distances that float32 does not tell apart share a rank: two of a few hundred thousand may cost half a rank.
    assert information_imbalance(x, y).tolist() == pytest.approx(expected, abs=2 / n**2 if n > 1000 else 1e-12)


def test_samples_in_one_place_share_their_rank() -> None:
    x, _ = sets(60)
    y = torch.arange(60)[:, None].div(6, rounding_mode="floor").float()  # six in each place
    assert float(information_imbalance(x, y)[0]) == pytest.approx(by_ranks(x, y), rel=1e-12)


def test_a_part_is_told_by_the_whole_and_not_the_whole_by_a_part() -> None:
    x = torch.rand(800, 3, generator=torch.Generator().manual_seed(0))
    from_whole, from_part = information_imbalance(x, x[:, :2]).tolist()
    assert from_whole < 0.1 < 0.15 < from_part


def test_the_same_neighbourhoods_give_the_least_and_noise_about_one() -> None:
    x, _ = sets(400)
    assert information_imbalance(x, 3 * x - 1).tolist() == pytest.approx([2 / 400, 2 / 400])
    noise = torch.randn(400, 4, generator=torch.Generator().manual_seed(3))
    assert information_imbalance(x, noise).tolist() == pytest.approx([1, 1], abs=0.1)


def test_one_sample_is_nan() -> None:
    with pytest.warns(RuntimeWarning, match="information imbalance is NaN: it needs at least two samples, got 1"):
        assert information_imbalance(torch.ones(1, 3), torch.ones(1, 2)).isnan().all()


def test_refuses_sets_of_other_samples() -> None:
    x, y = sets(20)
    with pytest.raises(ValueError, match="second: expected 20 rows, as many as first, got 19"):
        information_imbalance(x, y[1:])


@pytest.mark.parametrize(("n", "first"), [(120, None), (120, 0), (120, 30), (2300, None)])
def test_two_processes_equal_one(two_processes: TwoProcesses, n: int, first: int | None) -> None:
    for found in two_processes.sharded(information_imbalance, sets(n), cut=first):
        torch.testing.assert_close(found, information_imbalance(*sets(n)), rtol=1e-12, atol=0)
