"""What a folder holds, remembered: listing a million files takes minutes on a network drive."""

import json
import os
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from lightning.pytorch.utilities import rank_zero_only

from csl.data.folder_scan import Listing
from csl.data.record import PassedOver
from csl.io import replacing

# Lists a folder; notes every folder it looked into.
Scan = Callable[[Path, list[str]], Listing]

WORTH_IT = 50_000  # files; fewer are listed in a second
_SETTLED = 2.0  # seconds; some drives count time in steps as long as this


def remembered(folder: Path, scan: Scan) -> tuple[Listing, Path | None]:
    """What `scan` finds in a folder, from an earlier call where nothing was added or taken away since.

    A listing of at least `WORTH_IT` files is kept in `$CSL_CACHE`, or else in `csl` below `$XDG_CACHE_HOME` or
    `~/.cache`, with the time of the last change of every folder in it; it counts while all of these are as they were.

    Args:
        folder: The folder.
        scan: Given the folder and a list to note the folders in that it looked into, finds the files.

    Returns:
        The listing, and the file that kept it, or None if it is new.

    Example:
        >>> def scan(folder, looked_into):
        ...     looked_into.append(str(folder))
        ...     return Listing(["cat/1.png"], ["cat"])
        >>> remembered(Path("."), scan)
        (Listing(files=['cat/1.png'], folders=['cat'], passed_over=()), None)
    """
    file = _cache() / f"{sha256(os.fsencode(folder.resolve())).hexdigest()[:32]}.npz"
    if (found := _recall(file, folder)) is not None:
        return found, file
    folders: list[str] = []
    started = time.time()
    listing = scan(folder, folders)
    if len(listing.files) >= WORTH_IT:
        _remember(file, listing, folders, started)
    return listing, None


def _cache() -> Path:
    if own := os.environ.get("CSL_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "csl"


def _recall(file: Path, folder: Path) -> Listing | None:
    try:
        with file.open("rb") as opened, np.load(opened) as kept:  # NumPy leaves what it cannot read open
            entered, changed = _decoded(kept["entered"]), kept["changed"].tolist()
            if not entered or entered[0] != str(folder) or [os.stat(name).st_mtime_ns for name in entered] != changed:
                return None
            passed_over = [PassedOver(reason, count, tuple(names)) for reason, count, names in json.loads(_text(kept))]
            return Listing(_decoded(kept["files"]), _decoded(kept["folders"]), tuple(passed_over))
    except (OSError, ValueError, TypeError, KeyError, EOFError, BadZipFile):  # none, or a damaged one: made again
        return None


@rank_zero_only
def _remember(file: Path, listing: Listing, entered: list[str], started: float) -> None:
    changed = [os.stat(name).st_mtime_ns for name in entered]
    if max(changed) / 1e9 > started - _SETTLED:
        return  # still being written to
    try:
        with replacing(file) as stream:
            np.savez(
                stream,
                entered=_encoded(entered),
                changed=np.array(changed, dtype=np.int64),
                folders=_encoded(listing.folders),
                files=_encoded(listing.files),
                passed_over=np.frombuffer(json.dumps(listing.passed_over).encode(), dtype=np.uint8),
            )
    except OSError:
        return  # a disk that is full or read-only costs the next run its time, not this one its data


def _text(kept: "np.lib.npyio.NpzFile") -> str:
    return bytes(kept["passed_over"]).decode()


def _encoded(names: list[str]) -> np.ndarray:
    return np.array([os.fsencode(name) for name in names], dtype=bytes)


def _decoded(names: np.ndarray) -> list[str]:
    return [os.fsdecode(bytes(name)) for name in names.tolist()]
