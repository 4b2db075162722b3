"""What a folder of classes holds, remembered: listing a million files takes minutes on a network drive."""

import os
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from lightning.pytorch.utilities import rank_zero_info, rank_zero_only

from csl.io import replacing

# Images by class folder; the one key "" stands for "no classes".
Classes = dict[str, list[str]]
# Lists a folder; notes every folder it looked into.
Listing = Callable[[Path, list[str]], Classes]

WORTH_IT = 50_000  # files; fewer are listed in a second
_SETTLED = 2.0  # seconds; some drives count time in steps as long as this


def remembered(folder: Path, listing: Listing) -> Classes:
    """What `listing` finds in a folder, from an earlier call where nothing was added or taken away since.

    A listing of at least `WORTH_IT` files is kept in `$CSL_CACHE`, or else in `csl` below `$XDG_CACHE_HOME` or
    `~/.cache`, with the time of the last change of every folder in it; it counts while all of these are as they were.

    Args:
        folder: The folder.
        listing: Given the folder and a list to note the folders in that it looked into, finds the files.

    Example:
        >>> def listing(folder, looked_into):
        ...     looked_into.append(str(folder))
        ...     return {"cat": ["cat/1.png"]}
        >>> remembered(Path("."), listing)
        {'cat': ['cat/1.png']}
    """
    file = _cache() / f"{sha256(os.fsencode(folder.resolve())).hexdigest()[:32]}.npz"
    if (found := _recall(file, folder)) is not None:
        count = sum(map(len, found.values()))
        rank_zero_info(f"{folder}: the listing of {count:,} files is that of an earlier run; {file} keeps it")
        return found
    folders: list[str] = []
    started = time.time()
    classes = listing(folder, folders)
    if sum(map(len, classes.values())) >= WORTH_IT:
        _remember(file, classes, folders, started)
    return classes


def _cache() -> Path:
    if own := os.environ.get("CSL_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "csl"


def _recall(file: Path, folder: Path) -> Classes | None:
    try:
        with file.open("rb") as opened, np.load(opened) as kept:  # NumPy leaves what it cannot read open
            folders, changed = _decoded(kept["folders"]), kept["changed"].tolist()
            if not folders or folders[0] != str(folder) or [os.stat(name).st_mtime_ns for name in folders] != changed:
                return None
            bounds = np.cumsum(kept["counts"]).tolist()
            files = _decoded(kept["files"])
            starts = [0, *bounds[:-1]]
            names = _decoded(kept["names"])
            return {name: files[start:end] for name, start, end in zip(names, starts, bounds, strict=True)}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):  # none, or one that was damaged: it is made again
        return None


@rank_zero_only
def _remember(file: Path, classes: Classes, folders: list[str], started: float) -> None:
    changed = [os.stat(name).st_mtime_ns for name in folders]
    if max(changed) / 1e9 > started - _SETTLED:
        return  # still being written to
    try:
        with replacing(file) as stream:
            np.savez(
                stream,
                folders=_encoded(folders),
                changed=np.array(changed, dtype=np.int64),
                names=_encoded(list(classes)),
                counts=np.array([len(files) for files in classes.values()], dtype=np.int64),
                files=_encoded([name for files in classes.values() for name in files]),
            )
    except OSError:
        return  # a disk that is full or read-only costs the next run its time, not this one its data


def _encoded(names: list[str]) -> np.ndarray:
    return np.array([os.fsencode(name) for name in names])


def _decoded(names: np.ndarray) -> list[str]:
    return [os.fsdecode(bytes(name)) for name in names.tolist()]
