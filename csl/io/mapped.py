"""Matrices that lie in a file: what is looked at is read, and what memory is wanted for otherwise is given back."""

import mmap
from math import prod
from typing import Any

import torch
from torch import Tensor

# Memory of one's own that is not reserved beforehand: a matrix may be larger than all there is.
_NOT_RESERVED = getattr(mmap, "MAP_NORESERVE", 0x4000)


def mapped(file: Any, dtype: torch.dtype, shape: tuple[int, ...], offset: int = 0) -> Tensor:
    """A tensor whose values are those of an open file; what is written to it stays in memory.

    Args:
        file: Open for reading.
        dtype: Of its numbers, in this machine's byte order.
        shape: Of the tensor, row by row.
        offset: Where it begins in the file, in bytes.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryFile() as file:
        ...     _ = file.write(bytes([1, 2, 3, 4]))
        ...     file.flush()
        ...     mapped(file, torch.uint8, (1, 2), offset=2)
        tensor([[3, 4]], dtype=torch.uint8)
    """
    if not prod(shape):
        return torch.empty(shape, dtype=dtype)
    if hasattr(mmap, "MAP_PRIVATE"):
        content = mmap.mmap(file.fileno(), 0, mmap.MAP_PRIVATE | _NOT_RESERVED, mmap.PROT_READ | mmap.PROT_WRITE)
    else:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    return torch.frombuffer(content, dtype=dtype, count=prod(shape), offset=offset).view(shape)
