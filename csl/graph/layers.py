"""The graph convolutional network of the paper, over any propagation."""

from collections.abc import Callable
from itertools import pairwise
from typing import TypeAlias

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from csl.distributed import Group
from csl.modules import group_statistics, normalized

Propagate: TypeAlias = Callable[[Tensor], Tensor]

EPS = 1e-5  # what functional.batch_norm adds to the variance


class GraphConvolution(nn.Module):
    """`propagate(x W) + s * x W + b`: a convolution with a weight s on the node itself.

    Kipf and Welling, "Semi-Supervised Classification with Graph Convolutional Networks", 2017, arXiv 1609.02907; the
    learned self-loop is that of Zhang, Lu and Xuan, 2024, arXiv 2305.10229.

    Args:
        in_features: Width of the input.
        out_features: Width of the output.
        generator: A CPU generator, source of the initial weights (Xavier, uniform).
        self_loop: The weight s where it is fixed; None learns it, from 0.
    """

    def __init__(
        self, in_features: int, out_features: int, generator: Generator, self_loop: float | None = None
    ) -> None:
        super().__init__()
        weight = torch.empty(in_features, out_features, dtype=torch.float64)
        self.weight = nn.Parameter(nn.init.xavier_uniform_(weight, generator=generator))
        start = torch.full((1,), self_loop or 0.0, dtype=torch.float64)
        self.self_loop = nn.Parameter(start) if self_loop is None else nn.Buffer(start)
        self.bias = nn.Parameter(torch.zeros(out_features, dtype=torch.float64))

    def forward(self, propagate: Propagate, x: Tensor, embedding: Tensor | None = None) -> Tensor:
        """Node values `[n, in_features]` to `[n, out_features]`.

        Where the values are an embedding `[K, in_features]` of K numbers a node, `x` may be those numbers `[n, K]`:
        the same result, but they are propagated themselves, and as data they need no product on the way back.
        """
        if embedding is not None:
            return (propagate(x) + self.self_loop * x) @ (embedding @ self.weight) + self.bias
        x = x @ self.weight
        return propagate(x) + self.self_loop * x + self.bias


class NodeNorm(nn.Module):
    """Batch normalisation over all nodes of the graph, by the statistics of the very pass, in training and after it.

    The nodes at prediction are the nodes of training, so their own statistics are the right ones; running averages
    would lag behind the parameters, which move fast at this probe's learning rate.

    Args:
        num_features: Width of the values.
        group: The processes that share the nodes.
    """

    def __init__(self, num_features: int, group: Group = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(num_features, dtype=torch.float64))
        self.bias = nn.Parameter(torch.zeros(num_features, dtype=torch.float64))
        self.group = group

    def forward(self, x: Tensor) -> Tensor:
        """Node values `[n, D]` to normalised ones `[n, D]`."""
        if self.group is None:
            return functional.batch_norm(x, None, None, self.weight, self.bias, training=True)
        return normalized(x, self.weight, self.bias, group_statistics(x, self.group), EPS, self.group)


class GCN(nn.Module):
    """Classify nodes by the labels shown on the graph around them; features enter through the edge weights alone.

    An embedding of the label shown on each node (row C: unknown), then `depth − 1` hidden layers
    `x + SELU(norm(convolution(x)))`, then a convolution to C logits. For 10 classes, width 16 and depth 2:
    176 + 273 + 32 + 171 = 652 parameters, in float64, which orders of summation do not drive apart.
    Zhang, Lu and Xuan, "How Does Contrastive Learning Organize Images?", 2024, arXiv 2305.10229.

    Args:
        num_classes: Number of classes C.
        generator: A CPU generator, source of the initial parameters; the global random state is neither read nor set.
        width: Width of the embedding and of the hidden layers.
        depth: Number of convolutions.
        num_features: Width D of features that are an input beside the labels, `embedding(label) + features W`, with
            D × width parameters; 0 for labels alone, as in the paper.
        self_loop: The weight of a node on itself where it is fixed; None learns it, from 0, as in the paper.
        group: The processes that share the nodes; values are then those of this process's nodes.

    Example:
        >>> network = GCN(10, torch.Generator().manual_seed(0))
        >>> sum(parameter.numel() for parameter in network.parameters())
        652
        >>> network(lambda x: x, torch.tensor([3, 10, 10])).shape
        torch.Size([3, 10])
    """

    def __init__(
        self,
        num_classes: int,
        generator: Generator,
        width: int = 16,
        depth: int = 2,
        num_features: int = 0,
        self_loop: float | None = None,
        group: Group = None,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        embedding = torch.empty(num_classes + 1, width, dtype=torch.float64)
        self.embedding = nn.Parameter(embedding.normal_(generator=generator))
        sizes = [width] * depth + [num_classes]
        # C + 1 columns on the way forward, instead of those of the first convolution forward and back.
        self.propagates_labels = num_features == 0 and num_classes + 1 <= 2 * sizes[1]
        self.convolutions = nn.ModuleList(
            GraphConvolution(size, following, generator, self_loop) for size, following in pairwise(sizes)
        )
        self.norms = nn.ModuleList(NodeNorm(width, group) for _ in range(depth - 1))
        weight = torch.empty(num_features, width, dtype=torch.float64)
        self.feature_weight = (
            nn.Parameter(nn.init.xavier_uniform_(weight, generator=generator)) if num_features else None
        )

    def forward(self, propagate: Propagate, labels: Tensor, features: Tensor | None = None) -> Tensor:
        """Labels shown `[n]`, in 0 … C with C for unknown, and features `[n, D]` if any, to logits `[n, C]`."""
        first, *following = self.convolutions
        convolved: Tensor
        if self.propagates_labels:
            shown = functional.one_hot(labels, len(self.embedding)).to(self.embedding.dtype)
            x = shown @ self.embedding
            convolved = first(propagate, shown, self.embedding)
        else:
            x = functional.embedding(labels, self.embedding)
            if self.feature_weight is not None and features is not None:
                x = x + features @ self.feature_weight
            convolved = first(propagate, x)
        for norm, convolution in zip(self.norms, following, strict=True):
            x = x + functional.selu(norm(convolved))
            convolved = convolution(propagate, x)
        return convolved
