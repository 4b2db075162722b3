"""The order of nodes that large products take: what it groups, and that it changes no result."""

import pytest
import torch

from csl.graph import SparseGraph, torch_backend
from csl.graph.locality import local_order
from csl.graph.torch_backend import TorchPropagation
from tests.graph.graphs import both_forms, random_graph


def order_of(graph: SparseGraph) -> list[int]:
    found: list[int] = local_order(graph.row_starts, graph.columns, graph.weights).tolist()
    return found


def clumps() -> tuple[SparseGraph, torch.Tensor]:
    """Ten clumps of twelve nodes, all linked with each other and, weakly, with few others; and each node's clump."""
    generator = torch.Generator().manual_seed(0)
    clump = torch.arange(120)[torch.randperm(120, generator=generator)] % 10
    first, second = torch.triu_indices(120, 120, offset=1)
    same = clump[first] == clump[second]
    chance = (torch.rand(len(first), generator=generator) < 0.004) & ~same
    kept = same | chance
    return SparseGraph.from_pairs(first[kept], second[kept], torch.where(same, 1.0, 0.1)[kept], 120), clump


def test_clumps_stand_together() -> None:
    graph, clump = clumps()
    order = order_of(graph)
    assert sorted(order) == list(range(120))
    changes = int((clump[order][1:] != clump[order][:-1]).sum())
    assert changes <= 14  # 9 at best; 108 of the 119 in the graph's own order
    assert int((clump[1:] != clump[:-1]).sum()) > 90


def test_isolated_nodes_and_graphs_without_edges_have_an_order() -> None:
    none = torch.empty(0, dtype=torch.int64)
    assert order_of(SparseGraph.from_pairs(none, none, torch.empty(0), 4)) == [0, 1, 2, 3]
    one = SparseGraph.from_pairs(torch.tensor([1]), torch.tensor([3]), torch.ones(1), 5)
    assert order_of(one) == [0, 1, 3, 2, 4]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_product_is_the_same_in_another_order(monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype) -> None:
    sparse = next(graph for graph in both_forms(random_graph()) if isinstance(graph, SparseGraph))
    for graph in (sparse, clumps()[0]):
        x = torch.randn(graph.num_nodes, 7, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(dtype)
        plain = TorchPropagation(graph).product(x)
        with monkeypatch.context() as patched:
            patched.setattr(torch_backend, "_CACHED_NODES", 1)
            ordered = TorchPropagation(graph)
        assert ordered._product._order is not None  # type: ignore[attr-defined]
        tolerance = {torch.float64: 1e-14, torch.float32: 1e-5}[dtype]
        torch.testing.assert_close(ordered.product(x), plain, rtol=tolerance, atol=tolerance)
