"""Keep products exact whatever the training run has asked for, and round only where the caller asks for it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from csl.pairwise.streaming import Precision

_TF32_DROPS = 13  # of float32's 23 stored bits, TF32 keeps the first 10


@contextmanager
def full_precision() -> Iterator[None]:
    """Run a block, or a decorated function, without gradients and with float32 products in full float32.

    `torch.set_float32_matmul_precision("medium")`, which Lightning recommends for training, lets CUDA multiply in
    TF32 and CPUs in bfloat16; autocast does the same. Three digits are too few for distances between samples.

    Example:
        >>> torch.set_float32_matmul_precision("medium")
        >>> with full_precision():
        ...     torch.backends.mkldnn.matmul.fp32_precision
        'ieee'
        >>> torch.backends.mkldnn.matmul.fp32_precision
        'bf16'
        >>> torch.set_float32_matmul_precision("highest")
    """
    cuda, cpu = torch.backends.cuda.matmul, torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    before = cuda.fp32_precision, cpu.fp32_precision
    cuda.fp32_precision, cpu.fp32_precision = "ieee", "ieee"
    try:
        with torch.no_grad(), torch.autocast("cuda", enabled=False), torch.autocast("cpu", enabled=False):
            yield
    finally:
        cuda.fp32_precision, cpu.fp32_precision = before


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
    cuda = torch.backends.cuda.matmul
    before = cuda.fp32_precision
    cuda.fp32_precision = "tf32"
    try:
        return total.addmm_(x, y.T, alpha=factor)
    finally:
        cuda.fp32_precision = before
