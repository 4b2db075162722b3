import torch

from csl.graph import DenseGraph, Graph, SparseGraph


def random_graph(num_nodes: int = 40, num_pairs: int = 120, seed: int = 0) -> SparseGraph:
    """Weighted, with the last quarter of the nodes isolated."""
    generator = torch.Generator().manual_seed(seed)
    linked = num_nodes * 3 // 4
    first = torch.randint(linked, (num_pairs,), generator=generator)
    second = (first + torch.randint(1, linked, (num_pairs,), generator=generator)) % linked
    weights = 10 * torch.rand(num_pairs, generator=generator, dtype=torch.float64)
    return SparseGraph.from_pairs(first, second, weights, num_nodes)


def both_forms(graph: SparseGraph) -> list[Graph]:
    return [graph, DenseGraph.whole(graph.dense())]
