"""Checkpoints that other projects wrote: files of an encoder's weights, and no run around them."""

import re
from pathlib import Path

from csl.runs import CONFIG, Checkpoint, by_number

WEIGHTS = (".ckpt", ".pt", ".pth", ".tar", ".safetensors")


def checkpoints_in(folder: Path) -> list[Checkpoint]:
    """Files of weights in the order of the numbers in their names, of which the last is taken for the epoch.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("ckpt_e100.pth", "ckpt_e20.pth", "readme.txt"):
        ...         (Path(folder) / name).touch()
        ...     [(found.path.name, found.epoch) for found in checkpoints_in(Path(folder))]
        [('ckpt_e20.pth', 20), ('ckpt_e100.pth', 100)]
    """
    files = sorted((file for file in folder.glob("[!.]*") if file.suffix in WEIGHTS), key=by_number)
    return [_checkpoint(file, place) for place, file in enumerate(files)]


def is_foreign(file: Path) -> bool:
    """Whether a file holds weights by the end of its name, and lies in no run's folder.

    Example:
        >>> is_foreign(Path("moco_0200.pth")), is_foreign(Path("features.npz"))
        (True, False)
    """
    return file.suffix in WEIGHTS and not (file.resolve().parent.parent / CONFIG).is_file()


def checkpoint(file: Path) -> Checkpoint:
    """One file of weights; its epoch is the last number in its name, or 0."""
    return _checkpoint(file, 0)


def _checkpoint(file: Path, otherwise: int) -> Checkpoint:
    numbers = re.findall(r"\d+", file.stem)
    epoch = int(numbers[-1]) if numbers else otherwise
    return Checkpoint(file, epoch, epoch)
