"""Matrices that lie in a file: what is looked at is read, and what memory is wanted for otherwise is given back."""

import contextlib
import mmap
import tempfile
from math import prod
from pathlib import Path
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


def room(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device | str = "cpu") -> Tensor:
    """A tensor to be filled: in memory, or, where it would take more than half of what is free, in a temporary file.

    The file is in the folder for such files (`TMPDIR`), and goes with the tensor.

    Args:
        shape: Of the tensor.
        dtype: Of its numbers.
        device: Where it is to be; only the CPU's memory can be replaced by a file.

    Raises:
        OSError: If the disk has no room for it either.

    Example:
        >>> room((2, 3), torch.float32).shape
        torch.Size([2, 3])
    """
    size = prod(shape) * dtype.itemsize
    if torch.device(device).type != "cpu" or size <= free_memory() // 2:
        return torch.empty(shape, dtype=dtype, device=device)
    with tempfile.TemporaryFile() as file:
        file.truncate(size)
        return torch.frombuffer(mmap.mmap(file.fileno(), size), dtype=dtype).view(shape)


def free_memory() -> int:
    """Bytes of memory that programs could still use without swapping; more than there can be where nobody tells.

    Example:
        >>> free_memory() > 0
        True
    """
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return 2**62
