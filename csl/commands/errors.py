"""What a user reads when something on the line, in a file or in the data is wrong."""

import errno
import os
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.cli import LightningArgumentParser

import csl
from csl.commands.explain import explain

PACKAGE = Path(csl.__file__).parent
DEBUG = "CSL_TRACEBACK"
REPORTED = (ValueError, TypeError, ArithmeticError, OSError, ImportError, RuntimeError)
# The parser wraps what a constructor raises in a message of its own; torch compares a checkpoint with the model.
# The third is said of worker processes that the system ended, mostly for want of memory.
FOREIGN_CHECKS = ("Does not validate", "Error(s) in loading state_dict", "DataLoader worker (pid")
# What a disk or a folder refuses is nobody's bug, whoever meets it first.
OF_THE_DISK = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.EIO,
    errno.ENOTDIR,
    errno.EMFILE,
    errno.ENFILE,
)
# torch raises a worker's error again with that worker's traceback as its message.
IN_A_WORKER = re.compile(r"Caught (\w+) in DataLoader worker process.*^\1: (.*)", re.DOTALL | re.MULTILINE)


class CommandError(ValueError):
    """A line that cannot be carried out."""


@contextmanager
def reported(command: str) -> Iterator[None]:
    """End the program with one clear message where csl itself refused something; others' errors keep their traceback.

    `CSL_TRACEBACK=1` in the environment shows the traceback of ours, too.
    """
    try:
        yield
    except (*REPORTED, MisconfigurationException) as error:
        if os.environ.get(DEBUG) or not _is_ours(error):
            raise
        print(f"csl {command}: error: {explain(_message(error))}", file=sys.stderr)
        print(f"({DEBUG}=1 shows where it was raised)", file=sys.stderr)
        sys.exit(1)


def _is_ours(error: BaseException) -> bool:
    """Whether the error was raised on purpose: by a line of csl, or by another's check of what the user chose."""
    if isinstance(error, MisconfigurationException) or str(error).startswith(FOREIGN_CHECKS):
        return True
    if isinstance(error, OSError) and error.errno in OF_THE_DISK:
        return True
    if IN_A_WORKER.search(str(error)):
        return PACKAGE in Path(re.findall(r'File "(.+?)", line', str(error))[-1]).parents
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and PACKAGE in Path(frames[-1].filename).parents


def _message(error: BaseException) -> str:
    """What the error says; a system's in words, without its number."""
    if found := IN_A_WORKER.search(str(error)):
        return found[2]
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)


class TeachingParser(LightningArgumentParser):
    """An argument parser whose errors are short and offer the nearest name."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Print the message with a suggestion and leave with status 2."""
        if not self.exit_on_error:
            super().error(message, ex)
        parser = getattr(ex, "subcommand_parser", None) or self
        options = [action.dest for action in parser._actions]
        print(f"csl {parser.prog.split()[-1]}: error: {explain(message, options)}", file=sys.stderr)
        sys.exit(2)
