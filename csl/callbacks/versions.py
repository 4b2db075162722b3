"""Folders that loggers number: claimed so that no two runs share one, and taken up again by a run that goes on."""

import csv
import io
import os
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeGuard

from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from lightning.pytorch.loggers.csv_logs import ExperimentWriter

from csl.io import replacing
from csl.runs import CSV

Numbering = TensorBoardLogger | CSVLogger


def numbers_folders(logger: Logger) -> TypeGuard[Numbering]:
    """Whether a logger writes into a numbered folder of this machine, as TensorBoard's and CSVLogger do."""
    return isinstance(logger, Numbering) and "://" not in str(logger.save_dir)


def root_of(logger: Numbering) -> Path:
    """The folder that holds a logger's versions."""
    return Path(os.path.expandvars(logger.root_dir)).expanduser()


def folder_of(logger: Numbering) -> Path:
    """The folder of the logger's version."""
    version = logger.version
    return root_of(logger) / (version if isinstance(version, str) else version_name(version))


def version_name(number: int) -> str:
    """What the folder with a number is called.

    Example:
        >>> version_name(3)
        'version_3'
    """
    return f"version_{number}"


def claim(roots: Sequence[Path]) -> int:
    """Make a new version's folder in every root, and give its number; two that ask at once get different ones.

    Example:
        >>> with TemporaryDirectory() as folder:
        ...     claim([Path(folder)]), claim([Path(folder), Path(folder) / "other"]), sorted(os.listdir(folder))
        (0, 1, ['other', 'version_0', 'version_1'])
    """
    taken = [path.name.removeprefix("version_") for root in roots for path in root.glob("version_*")]
    for number in count(max((int(name) for name in taken if name.isdecimal()), default=-1) + 1):
        made: list[Path] = []
        try:
            for root in roots:
                folder = root / version_name(number)
                folder.mkdir(parents=True)
                made.append(folder)
            return number
        except FileExistsError:
            for folder in made:
                folder.rmdir()
    raise AssertionError  # numbers do not end


def set_version(logger: Numbering, version: int | str) -> None:
    """Give a logger its version, which it would choose itself, at a moment of its own and on every process."""
    logger._version = version


def go_on_in(logger: Numbering, folder: Path, step: int) -> None:
    """Let a logger go on in a folder, and hide the steps that are about to be done again."""
    logger._root_dir, logger._name = str(folder.parent), ""
    set_version(logger, folder.name)
    if isinstance(logger, CSVLogger):
        logger._save_dir = str(folder.parent)
    else:
        logger._kwargs["purge_step"] = step


def open_log(logger: Logger, step: int = 0) -> None:
    """Let a logger open its files; what they hold from a step on is cut off.

    Args:
        logger: Any; with those that write nothing on this process, nothing happens.
        step: The first step that will be logged.
    """
    if isinstance(logger, CSVLogger) and numbers_folders(logger) and logger._experiment is None:
        logger._experiment = _csv_writer(folder_of(logger), step)
    _ = getattr(logger, "experiment", None)


def _csv_writer(folder: Path, step: int) -> ExperimentWriter:
    """CSVLogger's own writer, which would delete what is in its folder already."""
    with TemporaryDirectory() as empty:
        writer: Any = ExperimentWriter(empty)
    folder.mkdir(parents=True, exist_ok=True)
    writer.log_dir, writer.metrics_file_path = str(folder), str(folder / CSV)
    if (folder / CSV).is_file():
        writer.metrics_keys = _cut(folder / CSV, step)
    assert isinstance(writer, ExperimentWriter)
    return writer


def _cut(file: Path, step: int) -> list[str]:
    """Leave out a table's rows from a step on; its columns."""
    with file.open(newline="") as lines:
        table = csv.DictReader(lines)
        rows, columns = [row for row in table if row["step"] and int(row["step"]) < step], list(table.fieldnames or ())
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    with replacing(file) as out:
        out.write(text.getvalue().encode())
    return columns
