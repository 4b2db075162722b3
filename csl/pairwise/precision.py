"""Keep products exact whatever the training run has asked for."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


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
