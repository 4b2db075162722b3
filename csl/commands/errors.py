"""What a user reads when something on the line, in a file or in the data is wrong."""

import os
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
FOREIGN_CHECKS = ("Does not validate", "Error(s) in loading state_dict")


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
        print(f"csl {command}: error: {explain(str(error))}", file=sys.stderr)
        print(f"({DEBUG}=1 shows where it was raised)", file=sys.stderr)
        sys.exit(1)


def _is_ours(error: BaseException) -> bool:
    """Whether the error was raised on purpose: by a line of csl, or by another's check of what the user chose."""
    if isinstance(error, MisconfigurationException) or str(error).startswith(FOREIGN_CHECKS):
        return True
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and PACKAGE in Path(frames[-1].filename).parents


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
