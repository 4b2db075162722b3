import importlib
import math

import pytest
import torch
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from csl.metrics.functional import neighbor_agreement
from tests.metrics.reference import COSINE, Reference, Values, cosine_neighbors
from tests.pairwise.hard_data import ordinary
from tests.two_processes import TwoProcesses


def _agreement(x: Tensor, y: Tensor) -> Values:
    neighbors = torch.from_numpy(cosine_neighbors(x, 5))
    same = (y[neighbors] == y[:, None]).double()
    return [float(same[:, :k].mean()) for k in (1, 5)]


REFERENCES = {
    "neighbor_agreement": Reference(
        _agreement,
        COSINE,
        {"ks": (1, 5)},
        two_samples=[0.0, math.nan],
        one_class=[1.0, 1.0],
        identical="number",
        hard=2e-5,
    ),
}


KS = [1, 10, 100, 299]


def _data(n: int = 300) -> tuple[Tensor, Tensor]:
    labels = torch.arange(n) % 5
    return ordinary(n, 8) + 2 * torch.eye(8)[labels], labels


def _expected(features: Tensor, labels: Tensor, ks: list[int]) -> list[float]:
    search = NearestNeighbors(metric="cosine", algorithm="brute").fit(features.double().numpy())
    neighbors = torch.from_numpy(search.kneighbors(n_neighbors=max(ks), return_distance=False))
    same = (labels[neighbors] == labels[:, None]).double()
    return [float(same[:, :k].mean()) for k in ks]


def test_equals_scikit_learn() -> None:
    features, labels = _data()
    assert neighbor_agreement(features, labels, KS).tolist() == pytest.approx(_expected(features, labels, KS), abs=1e-9)


def test_many_rounds_equal_one(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = _data()
    whole = neighbor_agreement(features, labels, KS)
    module = importlib.import_module("csl.metrics.neighbors")
    monkeypatch.setattr(module, "_NEIGHBORS", 7 * 299)
    assert torch.equal(neighbor_agreement(features, labels, KS), whole)


def test_a_number_gives_a_scalar_in_any_order_of_ks() -> None:
    features, labels = _data()
    assert neighbor_agreement(features, labels, 10).shape == ()
    assert torch.equal(
        neighbor_agreement(features, labels, [10, 1]), neighbor_agreement(features, labels, [1, 10]).flip(0)
    )


def test_a_k_that_is_not_there_is_nan_with_a_warning() -> None:
    features, labels = _data(20)
    with pytest.warns(RuntimeWarning, match=r"at k = \[20, 100\] is NaN: there are 19 other samples"):
        values = neighbor_agreement(features, labels, [1, 20, 100, 19])
    assert values.isnan().tolist() == [False, True, True, False]
    with pytest.warns(RuntimeWarning, match="there are 0 other samples"):
        assert neighbor_agreement(torch.ones(1, 2), torch.tensor([0]), 1).isnan()


def test_refuses_bad_input() -> None:
    features, labels = _data(20)
    with pytest.raises(ValueError, match="ks: expected a positive number, got 0"):
        neighbor_agreement(features, labels, [1, 0])
    with pytest.raises(ValueError, match="ks: expected at least one"):
        neighbor_agreement(features, labels, [])
    with pytest.raises(ValueError, match="unlabelled"):
        neighbor_agreement(features, labels - 1, 1)


@pytest.mark.parametrize("first", [0, 40, 101])
def test_two_processes_equal_one(two_processes: TwoProcesses, first: int) -> None:
    features, labels = _data(101)
    alone = neighbor_agreement(features, labels, [1, 5, 50])
    for together in two_processes.sharded(neighbor_agreement, [features, labels], [1, 5, 50], cut=first):
        torch.testing.assert_close(together, alone, rtol=0, atol=1e-9)
