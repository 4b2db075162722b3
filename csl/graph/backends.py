"""The choice between the propagation backends."""

import logging
from functools import cache
from typing import Literal, TypeAlias, get_args

from csl.graph import dgl_backend
from csl.graph.dgl_backend import DGLPropagation
from csl.graph.graph import DenseGraph, Graph, TiledGraph
from csl.graph.propagation import Propagation
from csl.graph.torch_backend import TorchPropagation

Backend: TypeAlias = Literal["auto", "dgl", "torch"]

# Measured on one CPU core in float64 at width 16, 36,000 to 2 million edges: DGL 1.1.3 takes 20 to 40 ns an edge and
# product, PyTorch's sparse product a fifth of that. A fit takes some 800 products: at the limit, ten seconds more.
DGL_EDGE_LIMIT = 500_000

_log = logging.getLogger(__name__)


def propagation(graph: Graph, backend: Backend = "auto") -> Propagation:
    """Make `x -> w @ x` for a graph, by DGL or by PyTorch; both give the same numbers up to rounding.

    "auto" is DGL wherever it loads and serves the graph's device, except for a full graph (one matrix product, or one
    pass over the pairs) and for a sparse one of more than `DGL_EDGE_LIMIT` edges in a process's rows, where PyTorch's
    faster product saves many seconds a fit.
    Where DGL is asked for and cannot serve, PyTorch does, and the log says why. The choice is logged once.

    Args:
        graph: The graph, usually `graph.normalized()`.
        backend: "auto", "dgl" or "torch".

    Raises:
        ValueError: If `backend` is another name.

    Example:
        >>> import torch
        >>> from csl.graph import SparseGraph, propagation
        >>> graph = SparseGraph.from_pairs(torch.tensor([0]), torch.tensor([1]), torch.tensor([2.0]), num_nodes=3)
        >>> propagation(graph, "torch")(torch.tensor([[1.0], [10.0], [100.0]])).T
        tensor([[20.,  2.,  0.]])
    """
    check_backend(backend)
    use_dgl, reason, level = _choose(graph, backend)
    _log_once(level, f"Graph propagation uses {'dgl' if use_dgl else 'torch'}: {reason}")
    return DGLPropagation(graph) if use_dgl else TorchPropagation(graph)


def check_backend(backend: str) -> None:
    """Raise a ValueError unless `backend` names one."""
    if backend not in get_args(Backend):
        raise ValueError(f"backend: expected one of {', '.join(get_args(Backend))}, got {backend!r}")


def _choose(graph: Graph, backend: Backend) -> tuple[bool, str, int]:
    """Whether to use DGL, why, and how loudly to say so."""
    if backend == "torch":
        return False, "it was asked for", logging.INFO
    if isinstance(graph, TiledGraph):
        level = logging.WARNING if backend == "dgl" else logging.INFO
        return False, "the weights of the graph are computed anew for each product", level
    if backend == "auto" and isinstance(graph, DenseGraph):
        return False, "the graph is dense, one matrix product", logging.INFO
    obstacle = dgl_backend.why_unavailable(graph.device.type)
    if obstacle is not None:
        return False, obstacle, logging.WARNING if backend == "dgl" else logging.INFO
    if backend == "auto" and graph.num_edges > DGL_EDGE_LIMIT:
        return False, f"the graph has more than {DGL_EDGE_LIMIT:,} edges, where it is faster", logging.INFO
    return True, "it was asked for" if backend == "dgl" else "it loads and serves this device", logging.INFO


@cache
def _log_once(level: int, message: str) -> None:
    _log.log(level, message)
