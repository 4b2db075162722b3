from typing import Any

import pytest
import torch
from torch import Tensor

from csl.distributed import rank, shard, world
from csl.graph import (
    DenseGraph,
    Graph,
    SparseGraph,
    TiledGraph,
    propagation,
    similarity,
    similarity_graph,
    similarity_graphs,
)

TEMPERATURE = 0.2


def features(num_samples: int = 60) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    values = torch.randn(num_samples, 5, generator=generator)
    values[7] = values[3]
    return values


def dense_reference(values: Tensor) -> Tensor:
    values, n = values.double(), len(values)
    distances = (values[:, None] - values[None]).square().sum(2).sqrt()
    mean = distances.sum() / (n * (n - 1))
    a = torch.exp(-distances / mean / TEMPERATURE).fill_diagonal_(0)
    return n**2 * a**2 / torch.outer(a.sum(1), a.sum(1))


def cut_reference(weights: Tensor, neighbors: int) -> Tensor:
    kept = torch.zeros_like(weights, dtype=torch.bool)
    for i, row in enumerate(weights.tolist()):
        others = sorted((j for j in range(len(row)) if j != i), key=lambda j: (-row[j], j))
        kept[i, others[:neighbors]] = True
    return weights * (kept | kept.T)


def test_the_full_graph_is_the_definition() -> None:
    graph = similarity_graph(features(), TEMPERATURE)
    assert isinstance(graph, DenseGraph)
    torch.testing.assert_close(graph.dense(), dense_reference(features()), rtol=1e-5, atol=1e-12)
    assert torch.equal(graph.dense(), graph.dense().T)


@pytest.mark.parametrize("neighbors", [1, 4, 30])
def test_a_cut_graph_keeps_the_heaviest_edges_of_either_end(neighbors: int) -> None:
    graph = similarity_graph(features(), TEMPERATURE, neighbors)
    assert isinstance(graph, SparseGraph)
    weights = graph.dense()
    torch.testing.assert_close(weights, cut_reference(dense_reference(features()), neighbors), rtol=1e-5, atol=1e-12)
    assert torch.equal(weights, weights.T)
    assert ((weights > 0).sum(1) >= neighbors).all()


def test_the_same_features_give_the_same_bits() -> None:
    first, second = (similarity_graph(features(), TEMPERATURE, 6) for _ in range(2))
    assert torch.equal(first.dense(), second.dense())


@pytest.mark.parametrize("neighbors", [59, 60, 1000])
def test_a_cut_to_all_others_is_the_full_graph(neighbors: int) -> None:
    graph = similarity_graph(features(), TEMPERATURE, neighbors)
    assert torch.equal(graph.dense(), similarity_graph(features(), TEMPERATURE).dense())


@pytest.mark.parametrize("neighbors", [None, 6])
def test_graphs_of_inference_mode_can_be_trained_on(neighbors: int | None) -> None:
    with torch.inference_mode():
        graph = similarity_graph(features().clone(), TEMPERATURE, neighbors)
    x = torch.ones(60, 2, dtype=torch.float64, requires_grad=True)
    torch.autograd.backward(propagation(graph.normalized(), "torch")(x).sum())
    assert x.grad is not None


@pytest.mark.parametrize(
    ("neighbors", "message"), [(0, "neighbors: expected at least 1, or None for the full graph, got 0"), (-2, "got -2")]
)
def test_neighbors_below_one_are_refused(neighbors: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        similarity_graph(features(), TEMPERATURE, neighbors)


@pytest.mark.parametrize("neighbors", [None, 3])
def test_features_without_distances_are_refused(neighbors: int | None) -> None:
    with pytest.raises(ValueError, match="temperature"):
        similarity_graph(features(), 0.0, neighbors)
    with pytest.raises(ValueError, match="NaN or inf"):
        similarity_graph(features().index_fill(0, torch.tensor([4]), torch.nan), TEMPERATURE, neighbors)
    with pytest.raises(ValueError, match="collapsed"):
        similarity_graph(torch.ones(20, 3), TEMPERATURE, neighbors)
    with pytest.raises(ValueError, match="at least two samples, got 1"):
        similarity_graph(torch.ones(1, 3), TEMPERATURE, neighbors)


def sharded_graph(neighbors: int | None) -> Any:
    group, values = world(), features()
    return similarity_graph(values[shard(len(values), group)], TEMPERATURE, neighbors, group=group).dense()


@pytest.mark.parametrize("neighbors", [None, 6])
def test_two_processes_make_the_graph_of_one(two_processes: Any, neighbors: int | None) -> None:
    rows = torch.cat(two_processes(sharded_graph, neighbors))
    assert torch.equal(rows, similarity_graph(features(), TEMPERATURE, neighbors).dense())


def large_sharded_graph(neighbors: int | None, budget: int) -> Any:
    """As if there were too many nodes for every process to compute all of them."""
    similarity.REPLICATED, before = 0, similarity.REPLICATED
    try:
        group, values = world(), features()
        rows = values[:25] if rank(group) == 0 else values[25:]
        graph = similarity_graph(rows, TEMPERATURE, neighbors, group=group, memory_budget=budget)
        x = torch.arange(120, dtype=torch.float64).view(60, 2)
        own = graph.shard.own
        return type(graph), graph.normalized().dense(), propagation(graph.normalized(), "torch")(x[own])
    finally:
        similarity.REPLICATED = before


@pytest.mark.parametrize(
    ("neighbors", "budget", "form"), [(6, 0, SparseGraph), (None, 10**6, DenseGraph), (None, 100, TiledGraph)]
)
def test_two_processes_share_a_large_graph(
    two_processes: Any, neighbors: int | None, budget: int, form: type[Graph]
) -> None:
    parts = two_processes(large_sharded_graph, neighbors, budget)
    assert [part[0] for part in parts] == [form, form]
    rows, products = (torch.cat([part[i] for part in parts]) for i in (1, 2))
    expected = similarity_graph(features(), TEMPERATURE, neighbors).normalized().dense()
    torch.testing.assert_close(rows, expected, rtol=1e-5, atol=1e-12)
    x = torch.arange(120, dtype=torch.float64).view(60, 2)
    torch.testing.assert_close(products, expected @ x, rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize(
    ("budget", "form"), [(8 * 60 * 60, DenseGraph), (8 * 60 * 60 - 1, TiledGraph), (0, TiledGraph)]
)
def test_a_full_graph_is_stored_where_it_fits_and_exact_where_not(budget: int, form: type[Graph]) -> None:
    graph = similarity_graph(features(), TEMPERATURE, memory_budget=budget)
    assert isinstance(graph, form)
    expected = similarity_graph(features(), TEMPERATURE).normalized()
    graph = graph.normalized()
    torch.testing.assert_close(graph.dense(), expected.dense(), rtol=1e-12, atol=1e-15)
    x = torch.randn(60, 3, dtype=torch.float64, requires_grad=True)
    out = propagation(graph)(x)
    torch.testing.assert_close(out, expected.dense() @ x, rtol=1e-12, atol=1e-12)
    (gradient,) = torch.autograd.grad(out.square().sum(), x)
    torch.testing.assert_close(gradient, 2 * expected.dense() @ out, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("neighbors", [None, 6])
def test_temperatures_share_the_distances_and_change_nothing(neighbors: int | None) -> None:
    graphs = similarity_graphs(features(), [0.5, TEMPERATURE], neighbors)
    for temperature, graph in zip([0.5, TEMPERATURE], graphs, strict=True):
        assert torch.equal(graph.dense(), similarity_graph(features(), temperature, neighbors).dense())
