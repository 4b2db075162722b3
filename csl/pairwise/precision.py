"""Keep products exact whatever the training run has asked for, and round only where the caller asks for it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from csl.pairwise.fp32 import products_in
from csl.pairwise.streaming import Precision

_TF32_DROPS = 13  # of float32's 23 stored bits, TF32 keeps the first 10


@contextmanager
def full_precision() -> Iterator[None]:
    """Run a block, or a decorated function, without gradients and with float32 products in full float32.

    `torch.set_float32_matmul_precision("medium")`, which Lightning recommends for training, lets CUDA multiply in
    TF32 and CPUs in bfloat16; autocast does the same. Three digits are too few for distances between samples.

    Example:
        >>> with torch.autocast("cpu", torch.bfloat16), full_precision():
        ...     (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
        torch.float32
    """
    with (
        products_in("ieee"),
        torch.no_grad(),
        torch.autocast("cuda", enabled=False),
        torch.autocast("cpu", enabled=False),
    ):
        yield


def round_to(values: Tensor, precision: Precision) -> Tensor:
    """float32 values with no more significant bits than the precision multiplies: 24, or 11 for "tf32".

    Tensor cores cut the bits they do not take. Rounded beforehand, and with norms of the rounded values, nothing is
    left to cut: a product in TF32 then is as exact as one in float32.

    Raises:
        ValueError: If there is no such precision.

    Example:
        >>> round_to(torch.tensor([1.0001, 1.0006]), "tf32")
        tensor([1.0000, 1.0010])
    """
    if precision == "ieee":
        return values
    if precision != "tf32":
        raise ValueError(f"precision: expected 'ieee' or 'tf32', got {precision!r}")
    half, kept = 1 << (_TF32_DROPS - 1), -1 << _TF32_DROPS
    return values.view(torch.int32).add(half).bitwise_and_(kept).view(torch.float32)


def add_product(total: Tensor, x: Tensor, y: Tensor, factor: float, precision: Precision) -> Tensor:
    """`total + factor · x yᵀ`, in place; the rows of x and y have been rounded to the precision."""
    if precision == "ieee" or not total.is_cuda:
        return total.addmm_(x, y.T, alpha=factor)
    with products_in("tf32"):
        return total.addmm_(x, y.T, alpha=factor)
