"""What hardware may round float32 products and convolutions to, in the words of each supported torch."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from csl.pairwise.streaming import Precision

# Since torch 2.9 each library has a setting of its own, and products and convolutions have one each.
_BY_LIBRARY = hasattr(torch.backends.mkldnn, "matmul")


@contextmanager
def products_in(precision: Precision) -> Iterator[None]:
    """Multiply float32 matrices in full float32 ("ieee") or, on GPUs that can, in TF32 ("tf32"); afterwards as before.

    Example:
        >>> with products_in("ieee"):
        ...     float(torch.full((1, 1), 1 + 2**-23) @ torch.ones(1, 1)) - 1 == 2**-23
        True
    """
    if not _BY_LIBRARY:
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
        try:
            yield
        finally:
            torch.set_float32_matmul_precision(before)
        return
    settings = [(torch.backends.cuda.matmul, precision), (torch.backends.mkldnn.matmul, "ieee")]  # type: ignore[attr-defined]
    with _set("fp32_precision", settings):
        yield


@contextmanager
def exact_convolutions() -> Iterator[None]:
    """Convolve in full float32; afterwards as before.

    Example:
        >>> with exact_convolutions():
        ...     torch.nn.functional.conv1d(torch.ones(1, 1, 2), torch.ones(1, 1, 2)).tolist()
        [[[2.0]]]
    """
    cudnn: Any = torch.backends.cudnn
    if not _BY_LIBRARY:
        with _set("allow_tf32", [(cudnn, False)]):
            yield
        return
    with _set("fp32_precision", [(cudnn.conv, "ieee"), (torch.backends.mkldnn.conv, "ieee")]):  # type: ignore[attr-defined]
        yield


@contextmanager
def _set(name: str, settings: list[tuple[Any, Any]]) -> Iterator[None]:
    before = [(part, getattr(part, name)) for part, _ in settings]
    for part, value in settings:
        setattr(part, name, value)
    try:
        yield
    finally:
        for part, value in before:
            setattr(part, name, value)
