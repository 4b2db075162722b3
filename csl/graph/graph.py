"""Undirected weighted graphs, of which a process may own some rows: every pair's weight, or a sparse part of them."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from csl.distributed import Shard
from csl.graph.edges import distinct_edges, distinct_pairs, merged_neighbors
from csl.pairwise import FullWeights

PRODUCT_ROWS = 1000


class Graph(ABC):
    """An undirected weighted graph on `num_nodes` nodes, of which this process owns some; never changed once made.

    Attributes:
        shard: Which nodes each process owns: all of them where there is one process.
    """

    shard: Shard

    @property
    def num_nodes(self) -> int:
        """Number of nodes N of all processes, isolated ones included."""
        return self.shard.total

    @property
    @abstractmethod
    def num_edges(self) -> int:
        """Number of weights in this process's rows; on one process both directions of an edge count."""

    @property
    @abstractmethod
    def device(self) -> torch.device:
        """Where the graph lives."""

    @abstractmethod
    def degrees(self) -> Tensor:
        """Sum of the weights of each of this process's nodes `[n]`, float64."""

    @abstractmethod
    def scaled(self, scale: Tensor) -> "Graph":
        """The graph with weights `scale_i * w_ij * scale_j`; `scale` is `[N]`, of all nodes."""

    @abstractmethod
    def dense(self) -> Tensor:
        """This process's rows of weights `[n, N]`, float64, zero where there is no edge."""

    @abstractmethod
    def product(self, x: Tensor) -> Tensor:
        """This process's rows of `w @ x` `[n, D]` from the values of all nodes `[N, D]`, without a gradient."""

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
        return self.scaled(self.shard.gather(self.degrees()).clamp(min=1).rsqrt())


@dataclass(frozen=True, eq=False)
class DenseGraph(Graph):
    """A graph that stores the weight of every pair, and beside them a factor of each node.

    Attributes:
        weights: This process's rows of symmetric weights `[n, N]`, float64, without the factors.
        shard: Which nodes each process owns.
        factors: What the weights of each node are multiplied by `[N]`, float64; None for 1.
    """

    weights: Tensor
    shard: Shard
    factors: Tensor | None = None

    @classmethod
    def whole(cls, weights: Tensor) -> "DenseGraph":
        """The graph of symmetric weights `[N, N]` on one process."""
        return cls(weights, Shard.of(len(weights)))

    @property
    def num_edges(self) -> int:
        """Number of weights in this process's rows."""
        return self.weights.numel()

    @property
    def device(self) -> torch.device:
        """Where the weights live."""
        return self.weights.device

    def degrees(self) -> Tensor:
        """Sum of the weights of each of this process's nodes `[n]`, float64."""
        return self.weights.sum(dim=1) if self.factors is None else self.product(torch.ones_like(self.factors))

    def scaled(self, scale: Tensor) -> "DenseGraph":
        """The graph with weights `scale_i * w_ij * scale_j`; the weights are shared, not copied."""
        return DenseGraph(self.weights, self.shard, scale if self.factors is None else scale * self.factors)

    def dense(self) -> Tensor:
        """This process's rows of weights `[n, N]`."""
        if self.factors is None:
            return self.weights
        # (s_i * w) * s_j rounds differently from (s_j * w) * s_i; the product of the scales first keeps the symmetry.
        return torch.outer(self.factors[self.shard.own], self.factors).mul_(self.weights)

    def product(self, x: Tensor) -> Tensor:
        """This process's rows of `w @ x` from the values of all nodes `[N]` or `[N, D]`, without a gradient."""
        return _with_factors(self.factors, self.shard, self._plain_product, x)

    @torch.no_grad()
    def _plain_product(self, x: Tensor) -> Tensor:
        # MKL's product of a large matrix with 13 columns and more takes 2.5 times as long in one piece.
        return torch.cat([rows @ x for rows in torch.split(self.weights.to(x.dtype), PRODUCT_ROWS)])


@dataclass(frozen=True, eq=False)
class TiledGraph(Graph):
    """A graph of every pair's weight that stores none: each product with it is a pass over the pairs of features.

    Attributes:
        weights: The similarities, without the factors.
        factors: What the weights of each node are multiplied by `[N]`, float64; None for 1.
    """

    weights: FullWeights
    factors: Tensor | None = None

    @property
    def shard(self) -> Shard:  # type: ignore[override]
        """Which nodes each process owns."""
        return self.weights.shard

    @property
    def num_edges(self) -> int:
        """Number of weights in this process's rows."""
        own = self.shard.own
        return self.num_nodes * int(own.stop - own.start)

    @property
    def device(self) -> torch.device:
        """Where the features live."""
        return self.weights.log_sums.device

    def degrees(self) -> Tensor:
        """Sum of the weights of each of this process's nodes `[n]`, float64."""
        return self.product(torch.ones(self.num_nodes, 1, dtype=torch.float64, device=self.device)).squeeze(1)

    def scaled(self, scale: Tensor) -> "TiledGraph":
        """The graph with weights `scale_i * w_ij * scale_j`; `scale` is `[N]`."""
        return TiledGraph(self.weights, scale if self.factors is None else scale * self.factors)

    def dense(self) -> Tensor:
        """This process's rows of weights `[n, N]`, written out."""
        return DenseGraph(self.weights.dense(), self.shard, self.factors).dense()

    def product(self, x: Tensor) -> Tensor:
        """This process's rows of `w @ x` `[n, D]` from the values of all nodes `[N, D]`, without a gradient."""
        return _with_factors(self.factors, self.shard, self.weights.product, x)


@dataclass(frozen=True, eq=False)
class SparseGraph(Graph):
    """A graph that stores its edges by rows (compressed sparse rows), each edge in both directions.

    Attributes:
        row_starts: Where the edges of each of this process's nodes start, and where the last end `[n + 1]`, int64.
        columns: The other node of each edge `[E]`, int64, ascending within a row, in 0 … N − 1.
        weights: Symmetric weights `[E]`, float64.
        shard: Which nodes each process owns.
    """

    row_starts: Tensor
    columns: Tensor
    weights: Tensor
    shard: Shard

    @classmethod
    def from_pairs(cls, first: Tensor, second: Tensor, weights: Tensor, num_nodes: int) -> "SparseGraph":
        """The graph of the pairs `(first_i, second_i)`, in either order; the first mention of a pair gives its weight.

        Edges of weight zero are left out. For one process.

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
        rows, columns, weights = distinct_pairs(first, second, weights, num_nodes)
        return cls._of_edges(rows, columns, weights, Shard.of(num_nodes))

    @classmethod
    def from_neighbors(cls, columns: Tensor, weights: Tensor, shard: Shard) -> "SparseGraph":
        """The graph of the edges that at least one of their ends names among its neighbours.

        The processes' lists come round the ring, so that each learns who names its nodes. Where both ends name an edge
        and their weights differ in the last digits, the lower end's weight is taken, on every process.

        Args:
            columns: The neighbours of each of this process's nodes `[n, k]`, int64, in 0 … N − 1.
            weights: Their weights `[n, k]`, at least 0; edges of weight zero are left out.
            shard: Which nodes each process owns.

        Example:
            >>> columns, weights = torch.tensor([[1], [2], [1]]), torch.tensor([[4.0], [5.0], [5.0]])
            >>> SparseGraph.from_neighbors(columns, weights, Shard.of(3)).dense()[1]
            tensor([4., 0., 5.], dtype=torch.float64)
        """
        return cls._of_edges(*distinct_edges(*merged_neighbors(columns, weights, shard), shard.total), shard)

    @classmethod
    def _of_edges(cls, rows: Tensor, columns: Tensor, weights: Tensor, shard: Shard) -> "SparseGraph":
        """The graph of this process's rows, given edge by edge in ascending order of row and column."""
        own = shard.own
        counts = torch.bincount(rows - own.start, minlength=own.stop - own.start)
        return cls(torch.cat([counts.new_zeros(1), counts.cumsum(0)]), columns, weights, shard)

    @property
    def num_edges(self) -> int:
        """Number of stored weights; both directions of an edge count."""
        return self.weights.numel()

    @property
    def device(self) -> torch.device:
        """Where the weights live."""
        return self.weights.device

    def rows(self) -> Tensor:
        """The node of this process that each edge starts from `[E]`, 0 for its first one, int64, ascending."""
        nodes = torch.arange(len(self.row_starts) - 1, device=self.device)
        return nodes.repeat_interleave(self.row_starts.diff())

    def degrees(self) -> Tensor:
        """Sum of the weights of each of this process's nodes `[n]`, float64."""
        # segment_reduce adds each row in stored order on any device; an atomic scatter would vary from run to run.
        return torch.segment_reduce(self.weights, "sum", offsets=self.row_starts, initial=0.0)

    def scaled(self, scale: Tensor) -> "SparseGraph":
        """The graph with weights `scale_i * w_ij * scale_j`, still exactly symmetric; `scale` is `[N]`."""
        weights = scale[self.shard.own][self.rows()] * scale[self.columns] * self.weights
        return SparseGraph(self.row_starts, self.columns, weights, self.shard)

    def dense(self) -> Tensor:
        """This process's rows of weights `[n, N]`."""
        weights = self.weights.new_zeros(len(self.row_starts) - 1, self.num_nodes)
        weights[self.rows(), self.columns] = self.weights
        return weights

    @torch.no_grad()
    def product(self, x: Tensor) -> Tensor:
        """This process's rows of `w @ x` `[n, D]` from the values of all nodes `[N, D]`, without a gradient."""
        edges = self.weights.to(x.dtype)[:, None] * x[self.columns]
        return torch.segment_reduce(edges, "sum", offsets=self.row_starts, initial=0.0)

    def cut(self, shard: Shard) -> "SparseGraph":
        """This process's rows of a graph that every process holds whole."""
        own = shard.own
        edges = slice(int(self.row_starts[own.start]), int(self.row_starts[own.stop]))
        starts = self.row_starts[own.start : own.stop + 1] - edges.start
        return SparseGraph(starts, self.columns[edges].clone(), self.weights[edges].clone(), shard)


def _with_factors(factors: Tensor | None, shard: Shard, product: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """This process's rows of `f_i Σ_j w_ij f_j x_j`, given the product with w itself."""
    if factors is None:
        return product(x)
    factors = factors.to(x.dtype).view(-1, *[1] * (x.ndim - 1))
    return factors[shard.own] * product(factors * x)
