"""Files that are whole or absent; feature files in and out."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
import torch

from csl.types import Features


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A new file that takes the place of `path` once it is complete and on the disk.

    A crash, a full disk or a loss of power leaves what was there before. The folder is made where it is missing.

    Args:
        path: The file to write.

    Raises:
        OSError: If it cannot be written: the disk is full, or the folder may not be written to.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with replacing(Path(folder) / "note.txt") as file:
        ...         _ = file.write(b"whole")
        ...     (Path(folder) / "note.txt").read_text()
        'whole'
    """
    target = Path(path)
    # The same name every time, so that what a killed process left is overwritten by the next one.
    partial = target.with_name(f".{target.name}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(partial, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        if isinstance(error, OSError):
            reason = error.strerror or str(error)
            raise OSError(
                error.errno, f"cannot write {target}: {reason}; what was there before is unchanged"
            ) from error
        raise
    flush_to_disk(target.parent)


def flush_to_disk(path: Path) -> None:
    """Make a file's content, or a rename in a folder, outlast a loss of power, where the system offers that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def save_features(path: str | Path, features: Features) -> Path:
    """Write features as an `.npz` archive with `features [N, D]`, `labels [N]` and `index [N]`.

    Args:
        path: The file to write; its folder is made where it is missing.
        features: What to write.

    Returns:
        The path that was written.

    Raises:
        ValueError: If the name does not end in `.npz`.

    Example:
        >>> import tempfile
        >>> rows = Features(torch.ones(2, 3), torch.tensor([0, 1]), torch.tensor([0, 1]))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     load_features(save_features(Path(folder) / "rows.npz", rows)).values.shape
        torch.Size([2, 3])
    """
    target = _npz(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    values, labels, index = (tensor.detach().cpu().numpy() for tensor in features)
    np.savez(target, features=values, labels=labels, index=index)
    return target


def load_features(path: str | Path) -> Features:
    """Read what `save_features` wrote; nothing in the file is executed.

    Raises:
        ValueError: If the name does not end in `.npz`, or the archive lacks one of the arrays.
    """
    with np.load(_npz(path), allow_pickle=False) as archive:
        missing = {"features", "labels", "index"} - set(archive.files)
        if missing:
            raise ValueError(
                f"{path}: expected arrays features, labels and index, missing {', '.join(sorted(missing))}"
            )
        return Features(*(torch.from_numpy(archive[name]) for name in ("features", "labels", "index")))


def _npz(path: str | Path) -> Path:
    if Path(path).suffix != ".npz":
        raise ValueError(f"path: expected a file name that ends in .npz, got {str(path)!r}")
    return Path(path)
