"""Propagation by DGL, the Deep Graph Library (Wang et al., 2019, arXiv 1909.01315); the only file that imports dgl."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import Any, cast

import torch
from torch import Tensor

from csl.graph.graph import Graph, SparseGraph
from csl.graph.propagation import Propagation

INSTALL_HINT = "on Python 3.11, `pip install 'dgl>=1.1.3,<1.2'` installs a release that loads beside a current torch"


class DGLPropagation(Propagation):
    """Propagation as DGL's generalised sparse product `u_mul_e_sum`.

    Args:
        graph: The graph whose weights are used as they are; a dense one is written out as edges.

    Raises:
        RuntimeError: If dgl is not installed or does not load; `why_unavailable` says why beforehand.
    """

    name = "dgl"

    def __init__(self, graph: Graph) -> None:
        self._dgl = _import_dgl()
        rows, columns, weights = _edges(graph)
        self.shard = graph.shard
        own = self.shard.own
        with _quiet():
            # Messages go from all nodes to this process's own.
            ends = {"num_src_nodes": graph.num_nodes, "num_dst_nodes": own.stop - own.start}
            self._graph = self._dgl.create_block((columns, rows), **ends)
            self._graph.create_formats_()
        self._weights = weights

    def product(self, x: Tensor) -> Tensor:
        """This process's rows of `w @ x` for the values of all nodes `[N, D]`, without a gradient."""
        if self._weights.dtype != x.dtype:
            self._weights = self._weights.to(x.dtype)
        with torch.no_grad():
            return cast(Tensor, self._dgl.ops.u_mul_e_sum(self._graph, x, self._weights))


@cache
def why_unavailable(device_type: str) -> str | None:
    """Why DGL cannot serve a kind of device ("cpu", "cuda"), or None where it can."""
    try:
        dgl = _import_dgl()
    except RuntimeError as error:
        return str(error)
    try:
        with _quiet():
            dgl.graph((torch.tensor([0]), torch.tensor([1]))).to(device_type)
    except Exception as error:  # DGL raises its own DGLError, and a bare RuntimeError where a kernel is missing.
        return f"the installed dgl {dgl.__version__} does not serve {device_type} ({_first_line(error)})"
    return None


def _import_dgl() -> ModuleType:
    # Unless it is set before the import, DGL writes its choice of backend into the user's home.
    os.environ["DGLBACKEND"] = "pytorch"
    try:
        with _quiet():
            import dgl
    except Exception as error:  # A release for another torch fails with OSError, FileNotFoundError or AttributeError.
        raise RuntimeError(f"dgl does not load ({_first_line(error)}); {INSTALL_HINT}") from error
    return cast(ModuleType, dgl)


def _edges(graph: Graph) -> tuple[Tensor, Tensor, Tensor]:
    if isinstance(graph, SparseGraph):
        return graph.rows(), graph.columns, graph.weights
    weights = graph.dense()
    rows, columns = weights.nonzero(as_tuple=True)
    return rows, columns, weights[rows, columns]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep back what DGL's import warns about: other packages' deprecations, which a user can do nothing about."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


def _first_line(error: BaseException) -> str:
    lines: list[Any] = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
