"""Propagation by PyTorch alone: a sparse or a dense matrix product, or one computed tile by tile."""

import warnings

import torch
from torch import Tensor

from csl.graph.graph import Graph, SparseGraph
from csl.graph.propagation import Propagation

_MOST_EDGES = torch.iinfo(torch.int32).max


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
    def __init__(self, graph: SparseGraph) -> None:
        self._matrix = _sparse_matrix(graph)

    def __call__(self, x: Tensor) -> Tensor:
        if self._matrix.dtype != x.dtype:
            self._matrix = self._matrix.to(x.dtype)
        return self._matrix @ x


def _sparse_matrix(graph: SparseGraph) -> Tensor:
    shape = (len(graph.row_starts) - 1, graph.num_nodes)
    # On CPUs a product makes 32-bit copies of all indices, each time, unless they are of 32 bits.
    small = graph.num_edges <= _MOST_EDGES and graph.num_nodes <= _MOST_EDGES
    starts, columns = (index.int() if small else index for index in (graph.row_starts, graph.columns))
    with warnings.catch_warnings():
        # PyTorch calls the layout beta, once a process; the product is all that is used of it. Some versions warn that
        # invariants are not checked, although they are.
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta state")
        warnings.filterwarnings("ignore", message="Sparse invariant checks are implicitly disabled")
        return torch.sparse_csr_tensor(starts, columns, graph.weights, shape, check_invariants=True)
