"""The product of a graph's weights with its nodes' values, and its gradient; a backend supplies the product."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor

from csl.distributed import Shard


class Propagation(ABC):
    """`y_i = sum_j w_ij x_j` on one graph, differentiable in x.

    The weights are symmetric, so the gradient of the product is the same product: `dL/dx = w dL/dy`. A backend
    therefore only supplies the product; it needs no transpose and no sparse gradient of its own, which are what makes
    the plain backward pass of sparse libraries slow. The same holds where processes own rows of the graph: values on
    the way forward and gradients on the way back are gathered from all, and each process keeps its own rows.

    Attributes:
        shard: Which nodes each process owns.
    """

    name: str
    shard: Shard

    @abstractmethod
    def product(self, x: Tensor) -> Tensor:
        """This process's rows of `w @ x` `[n, D]` from all nodes' values `[N, D]`, of their dtype, no gradient."""

    def __call__(self, x: Tensor) -> Tensor:
        """`w @ x` for this process's nodes, `[n, D]` to `[n, D]`, differentiable in x."""
        result: Tensor = _SymmetricProduct.apply(x, self)
        return result


class _SymmetricProduct(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, propagation: Propagation) -> Tensor:
        ctx.propagation = propagation
        return propagation.product(propagation.shard.gather(x))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        # Through the same Function, so that a gradient of the gradient exists as well.
        return _SymmetricProduct.apply(gradient.contiguous(), ctx.propagation), None
