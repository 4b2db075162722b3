"""Checkpoint files that are whole or absent, and that cannot run code when they are read."""

import os
from collections.abc import Callable
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO

from csl.io import load_checkpoint, replacing


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes beside the target, flushes to the disk and renames; reads with `weights_only=True`.

    A crash, a full disk or a loss of power leaves the earlier file as it was. Pass it to `Trainer(plugins=[...])`.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
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
