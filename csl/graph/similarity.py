"""The similarity graph of a set of features, on which relative local density is defined and the GCN propagates."""

from collections.abc import Sequence

import torch
from torch import Tensor

from csl import pairwise
from csl.distributed import Group, Shard, all_reduce
from csl.graph.graph import DenseGraph, Graph, SparseGraph, TiledGraph

MEMORY_BUDGET = 2 * 2**30  # bytes a process on the CPU; on CUDA half of the device's memory
REPLICATED = 4096  # nodes up to which every process computes all pairs, which costs less than to exchange features


def similarity_graph(
    features: Tensor,
    temperature: float,
    neighbors: int | None = None,
    *,
    group: Group = None,
    memory_budget: int | None = None,
) -> Graph:
    """The graph of weights `w_ij = N^2 a_ij^2 / (r_i r_j)`, whole or cut to each node's nearest neighbours.

    With distances d and mu their mean over all pairs, `a_ij = exp(-d_ij / (mu T))` for i ≠ j, `a_ii = 0` and
    `r_i = sum_j a_ij`, the sum always over all nodes. The cut keeps an edge if it is among the k heaviest of at least
    one of its two ends (ties by lower number), with its exact weight. Deterministic and exactly symmetric. A graph
    cut to k ≥ N − 1 neighbours is the full one.

    The full graph is stored, 8 n N bytes for a process with n of the N nodes, where that fits `memory_budget`. Where
    it does not, it is as exact, but each product with it is a pass over the pairs of features; their distances, a
    quarter of the bytes or less, are kept for it if they fit.

    On several processes each gets its rows of the graph. Up to 4,096 nodes these are one process's to the last bit;
    beyond, weights differ by rounding of float32 distances, a few 1e-6 of them.
    Zhang, Lu and Xuan, "How Does Contrastive Learning Organize Images?", 2024, arXiv 2305.10229.

    Args:
        features: Feature vectors `[N, D]`, or this process's rows of them.
        temperature: T > 0; the smaller, the more local the weights.
        neighbors: k ≥ 1, or None for the full graph.
        group: The processes whose rows together are the features.
        memory_budget: Bytes that a process may store of a full graph; None for 2 GiB on the CPU and half of the
            memory of a CUDA device.

    Raises:
        ValueError: If `neighbors` is below 1, `temperature` is not positive, or the features are not finite, fewer
            than two, or all in one point.

    Example:
        >>> features = torch.tensor([[0.0], [1.0], [10.0]])
        >>> graph = similarity_graph(features, temperature=0.5, neighbors=1)
        >>> graph.num_nodes, graph.num_edges
        (3, 4)
    """
    return similarity_graphs(features, [temperature], neighbors, group=group, memory_budget=memory_budget)[0]


def similarity_graphs(
    features: Tensor,
    temperatures: Sequence[float],
    neighbors: int | None = None,
    *,
    group: Group = None,
    memory_budget: int | None = None,
) -> list[Graph]:
    """The similarity graphs of several temperatures, as `similarity_graph` makes them; they share all distances.

    Example:
        >>> features = torch.tensor([[0.0], [1.0], [10.0]])
        >>> [round(float(graph.degrees()[2]), 2) for graph in similarity_graphs(features, [1.0, 0.1])]
        [1.98, 0.0]
    """
    check_neighbors(neighbors)
    # Weights made in inference mode could not take part in training a classifier.
    with torch.inference_mode(False), torch.no_grad():
        features = features.clone() if features.is_inference() else features
        shard = Shard.of(len(features), group)
        alone = shard.total <= REPLICATED
        if alone:
            features = shard.gather(features)
        if neighbors is None or neighbors >= shard.total - 1:
            budget = _agreed_budget(memory_budget, features.device, group) // len(temperatures)
            return _full(features, temperatures, None if alone else group, shard, budget)
        return _nearest(features, temperatures, neighbors, None if alone else group, shard)


def check_neighbors(neighbors: int | None) -> None:
    """Raise a ValueError unless `neighbors` is None or at least 1."""
    if neighbors is not None and neighbors < 1:
        raise ValueError(f"neighbors: expected at least 1, or None for the full graph, got {neighbors}")


def _full(features: Tensor, temperatures: Sequence[float], group: Group, shard: Shard, budget: int) -> list[Graph]:
    stored = 8 * max(shard.counts) * shard.total <= budget
    weights = pairwise.full_weights(features, temperatures, group=group, memory_budget=budget)
    if stored:
        return [_dense(part, shard) for part in weights]
    if group is not shard.group:
        # Too little memory for even a small square; its products then run over the shards.
        rows = features[shard.own]
        weights = pairwise.full_weights(rows, temperatures, group=shard.group, memory_budget=budget)
    return [TiledGraph(part) for part in weights]


def _dense(weights: pairwise.FullWeights, shard: Shard) -> DenseGraph:
    rows = weights.dense()
    # Where each process computed all rows it keeps its own.
    return DenseGraph(rows if weights.shard == shard else rows[shard.own].clone(), shard)


def _nearest(
    features: Tensor, temperatures: Sequence[float], neighbors: int, group: Group, shard: Shard
) -> list[Graph]:
    graphs: list[Graph] = []
    computed = Shard.of(len(features), group)
    for weights, columns in pairwise.top_weights(features, temperatures, neighbors, group=group):
        graph = SparseGraph.from_neighbors(columns, weights, computed)
        graphs.append(graph if computed == shard else graph.cut(shard))
    return graphs


def _agreed_budget(memory_budget: int | None, device: torch.device, group: Group) -> int:
    """The least of the processes' budgets: all of them must store the graph, or none."""
    if memory_budget is None:
        cuda = device.type == "cuda"
        memory_budget = torch.cuda.get_device_properties(device).total_memory // 2 if cuda else MEMORY_BUDGET
    return int(all_reduce(torch.tensor(memory_budget, device=device), group, "min"))
