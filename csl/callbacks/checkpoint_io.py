"""Checkpoint files that are whole or absent, and that cannot run code when they are read."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO

from csl.io import replacing


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes beside the target, flushes to the disk and renames; reads with `weights_only=True`.

    A crash, a full disk or a loss of power leaves the earlier file as it was. Pass it to `Trainer(plugins=[...])`.

    Example:
        >>> import tempfile
        >>> io = AtomicCheckpointIO()
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     io.save_checkpoint({"step": 3}, Path(folder) / "last.ckpt")
        ...     io.load_checkpoint(Path(folder) / "last.ckpt")
        {'step': 3}
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any = None
    ) -> None:
        """Write `checkpoint` so that `path` holds either all of it or what it held before.

        Raises:
            OSError: If it cannot be written: the disk is full, or the folder may not be written to.
        """
        with replacing(path) as file:
            try:
                torch.save(checkpoint, file)
            except RuntimeError as error:
                # torch stumbles over the file that a failed write left open, and hides the failure itself.
                if isinstance(error.__context__, OSError):
                    raise error.__context__ from None
                raise

    def load_checkpoint(
        self,
        path: str | os.PathLike[str],
        map_location: Callable[..., Any] | None = None,
        weights_only: bool | None = None,
    ) -> dict[str, Any]:
        """Read a checkpoint; a file that holds more than tensors and plain values is refused, whatever is asked."""
        return load_checkpoint(path, map_location)


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
