from collections.abc import Callable

import pytest
import torch
from sklearn.metrics.pairwise import cosine_similarity
from torch import Tensor

from csl.metrics.functional import (
    neighbor_agreement,
    neighbor_margin,
    neighbor_purity,
    relative_local_density,
    relative_local_density_per_class,
    relative_local_density_per_sample,
)
from tests.metrics.reference import cosine_neighbors
from tests.two_processes import TwoProcesses

TEMPERATURES = (1.0, 0.1, 0.02)
Function = Callable[..., Tensor]


def clumps(n: int = 300, classes: int = 7) -> tuple[Tensor, Tensor]:
    """Classes that overlap, in an order that mixes them, called by any numbers."""
    generator = torch.Generator().manual_seed(2)
    labels = torch.randint(classes, (n,), generator=generator)
    centers = 2 * torch.randn(classes, 6, generator=generator)
    return torch.randn(n, 6, generator=generator) + centers[labels] + 1, 3 * labels - 5


def dense(x: Tensor, y: Tensor, temperature: float) -> Tensor:
    """Each sample's contribution to the modularity of the dense float64 graph, as its definition has it."""
    d = torch.cdist(x.double(), x.double(), compute_mode="donot_use_mm_for_euclid_dist")
    score = -d / (d.sum() / (len(x) * (len(x) - 1))) / temperature
    score.fill_diagonal_(-torch.inf)
    w = score.softmax(dim=1) * score.softmax(dim=0)
    degrees, same = w.sum(dim=1), y[:, None] == y
    expected = degrees[:, None] * degrees / w.sum() ** 2
    return ((w / w.sum() - expected) * same).sum(dim=1)


@pytest.mark.parametrize(("n", "classes"), [(300, 7), (1500, 3), (1300, 400), (50, 1)])
def test_contributions_equal_the_dense_definition(n: int, classes: int) -> None:
    x, y = clumps(n, classes)
    found = relative_local_density_per_sample(x, y, TEMPERATURES)
    for row, temperature in zip(found, TEMPERATURES, strict=True):
        expected = dense(x, y, temperature)
        torch.testing.assert_close(row, expected, rtol=2e-6 / temperature, atol=1e-6 / n)


@pytest.mark.parametrize("memory_budget", [0, 2**30])
def test_contributions_add_up_to_rld_and_to_those_of_classes(memory_budget: int) -> None:
    x, y = clumps(1500)
    found = relative_local_density_per_sample(x, y, TEMPERATURES, memory_budget=memory_budget)
    torch.testing.assert_close(found.sum(dim=1), relative_local_density(x, y, TEMPERATURES), rtol=0, atol=3e-8)
    by_class = torch.stack([found[:, y == one].sum(dim=1) for one in torch.unique(y)], dim=1)
    expected = relative_local_density_per_class(x, y, TEMPERATURES)
    torch.testing.assert_close(by_class, expected, rtol=0, atol=3e-8)


def test_a_wrong_label_contributes_least() -> None:
    x = torch.cat([torch.randn(50, 3, generator=torch.Generator().manual_seed(0)) + 9 * shift for shift in (0, 1)])
    y = torch.arange(100) // 50
    y[7] = 1
    found = relative_local_density_per_sample(x, y, 0.1)
    assert int(found.argmin()) == 7
    assert found[7] < 0
    assert float(neighbor_purity(x, y, 5)[7]) == 0


def test_collapsed_features_contribute_nan() -> None:
    with pytest.warns(RuntimeWarning, match="relative local density per sample is NaN: the features have collapsed"):
        found = relative_local_density_per_sample(torch.ones(5, 2), torch.arange(5) % 2, [1.0, 0.1])
    assert found.shape == (2, 5)
    assert found.isnan().all()


def test_purity_equals_the_share_of_the_neighbours_and_its_mean_is_agreement() -> None:
    x, y = clumps()
    found = neighbor_purity(x, y, [1, 10, 250])
    for row, k in zip(found, (1, 10, 250), strict=True):
        expected = (y[cosine_neighbors(x, k)] == y[:, None]).double().mean(dim=1)
        torch.testing.assert_close(row, expected, rtol=1e-12, atol=0)
    torch.testing.assert_close(found.mean(dim=1), neighbor_agreement(x, y, [1, 10, 250]), rtol=1e-12, atol=0)


def test_purity_of_too_many_neighbours_is_nan_and_of_none_refused() -> None:
    x, y = clumps(20)
    with pytest.warns(RuntimeWarning, match=r"neighbour purity at k = \[20\] is NaN: there are 19 other samples"):
        found = neighbor_purity(x, y, [19, 20])
    assert found.isnan().tolist() == [[False] * 20, [True] * 20]
    with pytest.raises(ValueError, match="ks: expected a positive number, got 0"):
        neighbor_purity(x, y, [1, 0])


@pytest.mark.parametrize("n", [60, 1500])
def test_margin_equals_scikit_learns_cosines(n: int) -> None:
    x, y = clumps(n)
    x[3], x[7] = 0, 0  # two rows without a direction, which are at right angles to everything
    cosines = torch.from_numpy(cosine_similarity(x.double().numpy()))
    cosines.fill_diagonal_(-9)
    same = y[:, None] == y
    expected = cosines.masked_fill(~same, -9).amax(dim=1) - cosines.masked_fill(same, -9).amax(dim=1)
    torch.testing.assert_close(neighbor_margin(x, y), expected, rtol=0, atol=2e-6)


def test_margin_is_positive_where_the_nearest_has_the_class() -> None:
    x, y = clumps()
    assert torch.equal(neighbor_margin(x, y) > 0, neighbor_purity(x, y, 1) == 1)


def test_margin_of_a_sample_alone_in_its_class_is_nan() -> None:
    x, y = clumps(30, 2)
    y[4] = 99
    with pytest.warns(RuntimeWarning, match="neighbour margin is NaN: 1 samples are alone in their class"):
        assert neighbor_margin(x, y).isnan().nonzero().flatten().tolist() == [4]
    with pytest.warns(RuntimeWarning, match="30 samples are alone in their class, or there is only one class"):
        assert neighbor_margin(x, torch.zeros_like(y)).isnan().all()


FUNCTIONS: list[tuple[Function, list[float] | None]] = [
    (relative_local_density_per_sample, [0.1]),
    (neighbor_purity, [5]),
    (neighbor_margin, None),
]


@pytest.mark.parametrize(("function", "option"), FUNCTIONS)
def test_refuses_labels_that_do_not_match(function: Function, option: object) -> None:
    x, y = clumps(20)
    options = [] if option is None else [option]
    with pytest.raises(ValueError, match=r"labels: expected \[20\], one a row of features, got shape \(19,\)"):
        function(x, y[1:], *options)


@pytest.mark.parametrize("number", range(len(FUNCTIONS)))
@pytest.mark.parametrize(("n", "first"), [(300, None), (300, 0), (300, 30), (2300, None)])
def test_two_processes_equal_one(two_processes: TwoProcesses, number: int, n: int, first: int | None) -> None:
    (function, option), (x, y) = FUNCTIONS[number], clumps(n)
    options = [] if option is None else [option]
    expected = function(x, y, *options)
    found = torch.cat(two_processes.sharded(function, [x, y], *options, cut=first), dim=-1)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6 / n)
