"""Files that are whole or absent."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO


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
