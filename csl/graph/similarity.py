"""The similarity graph of a set of features, on which relative local density is defined and the GCN propagates."""

import torch
from torch import Tensor

from csl import distributed, pairwise
from csl.distributed import Group
from csl.graph.graph import DenseGraph, Graph, SparseGraph


def similarity_graph(
    features: Tensor, temperature: float, neighbors: int | None = None, *, group: Group = None
) -> Graph:
    """The graph of weights `w_ij = N^2 a_ij^2 / (r_i r_j)`, whole or cut to each node's nearest neighbours.

    With distances d and mu their mean over all pairs, `a_ij = exp(-d_ij / (mu T))` for i ≠ j, `a_ii = 0` and
    `r_i = sum_j a_ij`, the sum always over all nodes. The cut keeps an edge if it is among the k heaviest of at least
    one of its two ends (ties by lower number), with its exact weight. Deterministic and exactly symmetric. A graph
    cut to k ≥ N − 1 neighbours is the full one.
    Zhang, Lu and Xuan, "How Does Contrastive Learning Organize Images?", 2024, arXiv 2305.10229.

    Args:
        features: Feature vectors `[N, D]`, or this process's rows of them.
        temperature: T > 0; the smaller, the more local the weights.
        neighbors: k ≥ 1, or None for the full graph, which takes 8 N² bytes on every process.
        group: The processes whose rows together are the features; each gets the whole graph.

    Raises:
        ValueError: If `neighbors` is below 1, `temperature` is not positive, or the features are not finite, fewer
            than two, or all in one point.

    Example:
        >>> features = torch.tensor([[0.0], [1.0], [10.0]])
        >>> graph = similarity_graph(features, temperature=0.5, neighbors=1)
        >>> graph.num_nodes, graph.num_edges
        (3, 4)
    """
    check_neighbors(neighbors)
    # Weights made in inference mode could not take part in training a classifier.
    with torch.inference_mode(False), torch.no_grad():
        features = features.clone() if features.is_inference() else features
        num_nodes = sum(distributed.row_counts(len(features), group))
        if neighbors is None or neighbors >= num_nodes - 1:
            return DenseGraph(pairwise.dense_weights(distributed.gather_rows(features, group), temperature))
        return _nearest(features, temperature, neighbors, num_nodes, group)


def check_neighbors(neighbors: int | None) -> None:
    """Raise a ValueError unless `neighbors` is None or at least 1."""
    if neighbors is not None and neighbors < 1:
        raise ValueError(f"neighbors: expected at least 1, or None for the full graph, got {neighbors}")


def _nearest(features: Tensor, temperature: float, neighbors: int, num_nodes: int, group: Group) -> SparseGraph:
    ((weights, columns),) = pairwise.top_weights(features, [temperature], neighbors, group=group)
    weights, columns = distributed.gather_rows(weights, group), distributed.gather_rows(columns, group)
    rows = torch.arange(num_nodes, device=columns.device).unsqueeze(1).expand_as(columns)
    return SparseGraph.from_pairs(rows.flatten(), columns.flatten(), weights.flatten(), num_nodes)
