"""Propagation by PyTorch alone: a sparse or a dense matrix product."""

import warnings

import torch
from torch import Tensor

from csl.graph.graph import Graph, SparseGraph
from csl.graph.propagation import Propagation


class TorchPropagation(Propagation):
    """Propagation as PyTorch's matrix product, on any device.

    Args:
        graph: The graph whose weights are used as they are.
    """

    name = "torch"

    def __init__(self, graph: Graph) -> None:
        self._matrix = _sparse_matrix(graph) if isinstance(graph, SparseGraph) else graph.dense()

    def product(self, x: Tensor) -> Tensor:
        """`w @ x` for node values `[N, D]`, without a gradient."""
        if self._matrix.dtype != x.dtype:
            self._matrix = self._matrix.to(x.dtype)
        return self._matrix @ x


def _sparse_matrix(graph: SparseGraph) -> Tensor:
    shape = (graph.num_nodes, graph.num_nodes)
    with warnings.catch_warnings():
        # PyTorch calls the layout beta, once a process; the product is all that is used of it.
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta state")
        return torch.sparse_csr_tensor(graph.row_starts, graph.columns, graph.weights, shape, check_invariants=True)
