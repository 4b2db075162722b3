"""The measurements of one checkpoint, kept in a file so that nothing is measured twice."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from csl.io import replacing
from csl.version import __version__

FOLDER = "sweep"


@dataclass(frozen=True)
class Row:
    """What was measured of one checkpoint.

    Attributes:
        checkpoint: The name of its file.
        epoch: Epochs that were finished when it was written.
        step: Optimizer steps that were done.
        values: What was measured, by the names that a log has; NaN where it is undefined.
        seconds: How long that took.
    """

    checkpoint: str
    epoch: int
    step: int
    values: Mapping[str, float]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """The same as JSON holds it: null in place of what is not finite.

        Example:
            >>> Row("last.ckpt", 1, 10, {"val/rld_0.1": float("nan")}, 0.5).to_json()["values"]
            {'val/rld_0.1': None}
        """
        values = {name: value if math.isfinite(value) else None for name, value in self.values.items()}
        return {**asdict(self), "values": values}


def read_row(folder: Path, checkpoint: Path, like: Path | None = None) -> Row | None:
    """What an earlier sweep measured of this very file, in `folder`; None if there is none, or it was of another.

    Args:
        folder: Where rows are kept.
        checkpoint: The file, as it is now.
        like: The run on whose images a checkpoint of another project is measured.
    """
    file = _file(folder, checkpoint)
    try:
        content = json.loads(file.read_text())
    except (OSError, ValueError):
        return None
    if content.pop("of", None) != _identity(checkpoint, like):
        return None
    values = {name: math.nan if value is None else value for name, value in content["values"].items()}
    return Row(**{**content, "values": values})


def write_row(folder: Path, checkpoint: Path, row: Row, like: Path | None = None) -> None:
    """Keep a row for the next sweep."""
    with replacing(_file(folder, checkpoint)) as file:
        file.write(json.dumps({"of": _identity(checkpoint, like), **row.to_json()}, indent=1).encode())


def _file(folder: Path, checkpoint: Path) -> Path:
    return folder / f"{checkpoint.stem}.json"


def _identity(checkpoint: Path, like: Path | None) -> dict[str, Any]:
    """What tells a checkpoint from another of the same name, and what it was measured with and on from others.

    The content counts, not the time of the file: a copy of a run, such as a clone of a repository, keeps its rows.
    """
    with checkpoint.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"sha256": digest, "csl": __version__, "like": "" if like is None else str(like.resolve())}
