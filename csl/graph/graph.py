"""Undirected weighted graphs: every pair's weight, or a sparse part of them."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor


class Graph(ABC):
    """An undirected weighted graph on `num_nodes` nodes; never changed once made.

    Attributes:
        weights: The stored weights, float64.
    """

    weights: Tensor

    @property
    @abstractmethod
    def num_nodes(self) -> int:
        """Number of nodes N, isolated ones included."""

    @property
    def num_edges(self) -> int:
        """Number of stored weights; both directions of an edge count."""
        return self.weights.numel()

    @property
    def device(self) -> torch.device:
        """Where the weights live."""
        return self.weights.device

    @abstractmethod
    def degrees(self) -> Tensor:
        """Sum of each node's weights `[N]`, float64."""

    @abstractmethod
    def scaled(self, scale: Tensor) -> "Graph":
        """The graph with weights `scale_i * w_ij * scale_j`, still exactly symmetric; `scale` is `[N]`."""

    @abstractmethod
    def dense(self) -> Tensor:
        """All weights `[N, N]`, zero where there is no edge."""

    def normalized(self) -> "Graph":
        """The graph with weights `w_ij / sqrt(max(d_i, 1) * max(d_j, 1))`, d the degrees (reference: Kipf and Welling).

        The clamp leaves a node that is hardly linked hardly linked, instead of blowing up its few tiny weights.
        Symmetric normalisation: Kipf and Welling, "Semi-Supervised Classification with Graph Convolutional Networks",
        2017, arXiv 1609.02907.

        Example:
            >>> graph = SparseGraph.from_pairs(torch.tensor([0]), torch.tensor([1]), torch.tensor([4.0]), num_nodes=3)
            >>> graph.normalized().dense()[0]
            tensor([0., 1., 0.], dtype=torch.float64)
        """
        return self.scaled(self.degrees().clamp(min=1).rsqrt())


@dataclass(frozen=True, eq=False)
class DenseGraph(Graph):
    """A graph that stores the weight of every pair.

    Attributes:
        weights: Symmetric weights `[N, N]`, float64.
    """

    weights: Tensor

    @property
    def num_nodes(self) -> int:
        """Number of nodes N."""
        return len(self.weights)

    def degrees(self) -> Tensor:
        """Sum of each node's weights `[N]`, float64."""
        return self.weights.sum(dim=1)

    def scaled(self, scale: Tensor) -> "DenseGraph":
        """The graph with weights `scale_i * w_ij * scale_j`; `scale` is `[N]`."""
        # (s_i * w) * s_j rounds differently from (s_j * w) * s_i; the product of the scales first keeps the symmetry.
        return DenseGraph(torch.outer(scale, scale).mul_(self.weights))

    def dense(self) -> Tensor:
        """All weights `[N, N]`."""
        return self.weights


@dataclass(frozen=True, eq=False)
class SparseGraph(Graph):
    """A graph that stores its edges by rows (compressed sparse rows), each edge in both directions.

    Attributes:
        row_starts: Where each row's edges start, and where the last one's end `[N + 1]`, int64.
        columns: The other node of each edge `[E]`, int64, ascending within a row.
        weights: Symmetric weights `[E]`, float64.
    """

    row_starts: Tensor
    columns: Tensor
    weights: Tensor

    @classmethod
    def from_pairs(cls, first: Tensor, second: Tensor, weights: Tensor, num_nodes: int) -> "SparseGraph":
        """The graph of the pairs `(first_i, second_i)`, in either order; the first mention of a pair gives its weight.

        Edges of weight zero are left out.

        Args:
            first: One end of each edge `[P]`, int64, in 0 … num_nodes − 1.
            second: The other end `[P]`; never the same node.
            weights: Weight of each pair `[P]`, at least 0.
            num_nodes: Number of nodes N; those in no pair are isolated.

        Raises:
            ValueError: Where shapes differ, a node is out of range, or an edge joins a node to itself.

        Example:
            >>> graph = SparseGraph.from_pairs(torch.tensor([0, 2]), torch.tensor([1, 1]), torch.tensor([3.0, 1.0]), 4)
            >>> graph.num_nodes, graph.num_edges, graph.degrees().tolist()
            (4, 4, [3.0, 4.0, 1.0, 0.0])
        """
        _check_pairs(first, second, weights, num_nodes)
        low, high, weights = _distinct_pairs(first, second, weights.double(), num_nodes)
        rows, columns = torch.cat([low, high]), torch.cat([high, low])
        order = torch.argsort(rows * num_nodes + columns)
        counts = torch.bincount(rows, minlength=num_nodes)
        row_starts = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        return cls(row_starts, columns[order], torch.cat([weights, weights])[order])

    @property
    def num_nodes(self) -> int:
        """Number of nodes N."""
        return len(self.row_starts) - 1

    def rows(self) -> Tensor:
        """The first node of each edge `[E]`, int64, ascending."""
        nodes = torch.arange(self.num_nodes, device=self.device)
        return nodes.repeat_interleave(self.row_starts.diff())

    def degrees(self) -> Tensor:
        """Sum of each node's weights `[N]`, float64."""
        # segment_reduce adds each row in stored order on any device; an atomic scatter would vary from run to run.
        return torch.segment_reduce(self.weights, "sum", offsets=self.row_starts, initial=0.0)

    def scaled(self, scale: Tensor) -> "SparseGraph":
        """The graph with weights `scale_i * w_ij * scale_j`; `scale` is `[N]`."""
        weights = scale[self.rows()] * scale[self.columns] * self.weights
        return SparseGraph(self.row_starts, self.columns, weights)

    def dense(self) -> Tensor:
        """All weights `[N, N]`."""
        weights = self.weights.new_zeros(self.num_nodes, self.num_nodes)
        weights[self.rows(), self.columns] = self.weights
        return weights


def _distinct_pairs(first: Tensor, second: Tensor, weights: Tensor, num_nodes: int) -> tuple[Tensor, Tensor, Tensor]:
    """Each pair once, as (lower node, higher node, weight), without those of weight zero."""
    low, high = torch.minimum(first, second), torch.maximum(first, second)
    keys, order = torch.sort(low * num_nodes + high, stable=True)
    keep = torch.ones_like(keys, dtype=torch.bool)
    keep[1:] = keys[1:] != keys[:-1]
    chosen = order[keep]
    chosen = chosen[weights[chosen] != 0]
    return low[chosen], high[chosen], weights[chosen]


def _check_pairs(first: Tensor, second: Tensor, weights: Tensor, num_nodes: int) -> None:
    if not first.shape == second.shape == weights.shape or first.ndim != 1:
        shapes = [tuple(tensor.shape) for tensor in (first, second, weights)]
        raise ValueError(f"first, second, weights: expected three vectors of one length, got shapes {shapes}")
    ends = torch.cat([first, second])
    if len(ends) and not 0 <= int(ends.min()) <= int(ends.max()) < num_nodes:
        raise ValueError(
            f"first, second: expected nodes in 0..{num_nodes - 1}, got {int(ends.min())}..{int(ends.max())}"
        )
    if bool((first == second).any()):
        raise ValueError(f"first, second: expected no edge from a node to itself, got {int((first == second).sum())}")
