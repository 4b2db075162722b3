"""Checkpoint files that are whole or absent, and that cannot run code when they are read."""

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes beside the target, flushes to the disk and renames; reads with `weights_only=True`.

    A crash, a full disk or a loss of power leaves the earlier file as it was. Pass it to `Trainer(plugins=[...])`.

    Example:
        >>> io = AtomicCheckpointIO()
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     io.save_checkpoint({"step": 3}, Path(folder) / "last.ckpt")
        ...     io.load_checkpoint(Path(folder) / "last.ckpt")
        {'step': 3}
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any = None
    ) -> None:
        """Write `checkpoint` so that `path` holds either all of it or what it held before."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, partial = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                torch.save(checkpoint, file)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(partial, 0o644)
            os.replace(partial, target)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(partial)
            raise
        _flush_folder(target.parent)

    def load_checkpoint(
        self,
        path: str | os.PathLike[str],
        map_location: Callable[..., Any] | None = None,
        weights_only: bool | None = None,
    ) -> dict[str, Any]:
        """Read a checkpoint; a file that holds more than tensors and plain values is refused, whatever is asked."""
        if not Path(path).is_file():
            raise FileNotFoundError(f"ckpt_path: no checkpoint at {path}")
        try:
            loaded: dict[str, Any] = torch.load(path, map_location=map_location or "cpu", weights_only=True)
        except Exception as error:
            raise ValueError(
                f"ckpt_path: {path} is not a checkpoint that csl wrote, or is damaged ({_first_line(error)})"
            ) from error
        return loaded


def _flush_folder(folder: Path) -> None:
    """Make a rename itself durable where the system lets a folder be flushed."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
