"""Propagation by PyTorch alone: a sparse or a dense matrix product, or one computed tile by tile."""

import warnings

import torch
from torch import Tensor

from csl.graph.graph import Graph, SparseGraph
from csl.graph.locality import local_order
from csl.graph.propagation import Propagation

_MOST_EDGES = torch.iinfo(torch.int32).max
# The values of so many nodes, some ten float64 numbers each, are found in a cache in any order.
_CACHED_NODES = 35_000


class TorchPropagation(Propagation):
    """Propagation as PyTorch's matrix product, on any device.

    Args:
        graph: The graph whose weights are used as they are.
    """

    name = "torch"

    def __init__(self, graph: Graph) -> None:
        self.shard = graph.shard
        self._product = _SparseProduct(graph) if isinstance(graph, SparseGraph) else graph.product

    def product(self, x: Tensor) -> Tensor:
        """This process's rows of `w @ x` for the values of all nodes `[N, D]`, without a gradient."""
        return self._product(x)


class _SparseProduct:
    """The product with a sparse matrix; a large one on a CPU has its nodes in an order of its own.

    Where a processor finds the values of most neighbours in its cache, the product takes a third to a half of the time.
    Each row is summed as it was, so that the result is the same to the last digit.
    """

    def __init__(self, graph: SparseGraph) -> None:
        starts, columns, weights = graph.row_starts, graph.columns, graph.weights
        self._order: Tensor | None = None
        if graph.shard.group is None and graph.device.type == "cpu" and graph.num_nodes > _CACHED_NODES:
            self._order = local_order(starts, columns, weights)
            self._places = torch.argsort(self._order)
            counts = starts.diff()[self._order]
            ends = counts.cumsum(0)
            edges = torch.arange(len(columns)) + (starts[:-1][self._order] - ends + counts).repeat_interleave(counts)
            starts = torch.cat([ends.new_zeros(1), ends])
            columns, weights = self._places[columns[edges]], weights[edges]
        self._matrix = _sparse_matrix(starts, columns, weights, graph.num_nodes)

    def __call__(self, x: Tensor) -> Tensor:
        if self._matrix.dtype != x.dtype:
            self._matrix = self._matrix.to(x.dtype)
        if self._order is None:
            return self._matrix @ x
        return (self._matrix @ x.index_select(0, self._order)).index_select(0, self._places)


def _sparse_matrix(starts: Tensor, columns: Tensor, weights: Tensor, num_nodes: int) -> Tensor:
    """The rows of a matrix with so many columns; columns of a row may be in any order."""
    # On CPUs a product makes 32-bit copies of all indices, each time, unless they are of 32 bits.
    if max(len(columns), num_nodes) <= _MOST_EDGES:
        starts, columns = starts.int(), columns.int()
    with warnings.catch_warnings():
        # PyTorch calls the layout beta, once a process; the product is all that is used of it. Some versions warn that
        # invariants are not checked, which would ask for ascending columns.
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta state")
        warnings.filterwarnings("ignore", message="Sparse invariant checks are implicitly disabled")
        return torch.sparse_csr_tensor(starts, columns, weights, (len(starts) - 1, num_nodes), check_invariants=False)
