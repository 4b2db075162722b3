"""Checkpoints read as data."""

import os
from pathlib import Path
from typing import Any

import torch


def load_checkpoint(
    path: str | os.PathLike[str], map_location: Any = None, *, name: str = "ckpt_path", mmap: bool = False
) -> dict[str, Any]:
    """Read a checkpoint as data, without running anything that is in it.

    Args:
        path: The file.
        map_location: As in `torch.load`; the CPU if not given.
        name: The option that an error message names.
        mmap: Whether tensors stay in the file until they are looked at.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged, or holds more than tensors and plain values.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"{name}: no checkpoint at {path}")
    try:
        loaded = torch.load(path, map_location=map_location or "cpu", weights_only=True, mmap=mmap)
    except Exception as error:
        raise ValueError(
            f"{name}: {path} is not a checkpoint that csl wrote, or is damaged ({_first_line(error)})"
        ) from error
    if not isinstance(loaded, dict):
        raise ValueError(f"{name}: {path} is not a checkpoint that csl wrote (it holds a {type(loaded).__name__})")
    return loaded


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
