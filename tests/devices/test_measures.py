"""Measures, pairwise sums, graphs and probes give on every device what an independent computation gives on the CPU."""

from typing import Any, Literal

import pytest
import torch

from csl.graph import propagation, similarity_graph
from csl.metrics.functional import relative_local_density
from csl.probes import Probe
from tests.graph.test_similarity import TEMPERATURE, cut_reference, dense_reference, features
from tests.metrics.panel import PANEL
from tests.metrics.reference import data
from tests.pairwise.dense import dense_rld
from tests.pairwise.hard_data import CASES, ordinary
from tests.probes.samples import clumps
from tests.probes.test_probe import every_probe

HARD = [name for name in PANEL if PANEL[name].reference.hard]


@pytest.mark.parametrize("name", PANEL)
def test_a_measure_equals_its_reference(name: str, device: str) -> None:
    x, y = data(150)
    value = PANEL[name].function(x.to(device), y.to(device)).cpu()
    expected = torch.as_tensor(PANEL[name].reference.values(x, y), dtype=torch.float64)
    torch.testing.assert_close(value.reshape(expected.shape), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", HARD)
@pytest.mark.parametrize("case", CASES)
def test_a_measure_is_right_on_hard_features(name: str, case: str, device: str) -> None:
    reference = PANEL[name].reference
    if reason := reference.hard_but.get(case):
        pytest.skip(reason)
    x = CASES[case]()
    y = torch.arange(len(x)) % 10
    expected = torch.as_tensor(reference.values(x.double(), y), dtype=torch.float64)
    value = PANEL[name].function(x.to(device), y.to(device)).cpu()
    torch.testing.assert_close(value, expected, rtol=reference.hard or 0, atol=1e-6)


@pytest.mark.parametrize("allowed", ["highest", "high"])
@pytest.mark.parametrize(("precision", "tolerance"), [("ieee", 1e-6), ("tf32", 2e-4)])
@pytest.mark.parametrize("case", CASES)
def test_density_is_as_exact_as_its_precision_says(
    case: str, precision: Literal["ieee", "tf32"], tolerance: float, allowed: str, device: str
) -> None:
    x = CASES[case]()
    y = torch.arange(len(x)) % 10
    torch.set_float32_matmul_precision(allowed)
    try:
        found = relative_local_density(x.to(device), y.to(device), [0.2], precision=precision)
    finally:
        torch.set_float32_matmul_precision("highest")
    assert float(found) == pytest.approx(dense_rld(x, y, 0.2), rel=tolerance, abs=tolerance)


def test_density_of_many_tiles_is_that_of_one(device: str) -> None:
    x, y = ordinary(1_500, 16).to(device), torch.arange(1_500, device=device) % 10
    many, one = (relative_local_density(x, y, [0.1], memory_budget=budget) for budget in (0, 2**30))
    torch.testing.assert_close(many, one, rtol=1e-7, atol=1e-8)
    assert float(one) == pytest.approx(dense_rld(x.cpu(), y.cpu(), 0.1), rel=1e-5)


@pytest.mark.parametrize("neighbors", [None, 4])
def test_a_graph_and_its_product_are_the_definition(neighbors: int | None, device: str) -> None:
    graph = similarity_graph(features().to(device), TEMPERATURE, neighbors)
    expected = dense_reference(features())
    if neighbors is not None:
        expected = cut_reference(expected, neighbors)
    torch.testing.assert_close(graph.dense().cpu(), expected, rtol=1e-5, atol=1e-12)
    x = torch.arange(120, dtype=torch.float64).reshape(60, 2)
    product = propagation(graph, "torch").product(x.to(device))
    torch.testing.assert_close(product.cpu(), expected @ x, rtol=1e-5, atol=1e-9)


@every_probe
def test_a_probe_predicts_what_it_does_on_the_cpu(probe: Probe, device: str) -> None:
    train, val = clumps()
    here: Any = [type(part)(*(value.to(device) for value in part)) for part in (train, val)]
    result, expected = probe.fit(*here), probe.fit(train, val)
    assert result.predictions is not None
    assert expected.predictions is not None
    assert (result.predictions.cpu() == expected.predictions).double().mean() >= 0.95
    assert result.val_accuracy == pytest.approx(float((result.predictions.cpu() == val.labels).double().mean()))
