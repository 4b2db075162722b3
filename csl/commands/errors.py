"""What a user reads when something on the line, in a file or in the data is wrong."""

import os
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import signature
from pathlib import Path
from typing import Any, NoReturn

from lightning.pytorch.cli import LightningArgumentParser
from lightning.fabric.utilities.exceptions import MisconfigurationException

import csl
from csl.commands.suggest import did_you_mean

PACKAGE = Path(csl.__file__).parent
DEBUG = "CSL_TRACEBACK"


class CommandError(ValueError):
    """A line that cannot be carried out."""


@contextmanager
def reported(command: str) -> Iterator[None]:
    """End the program with one clear message where csl itself refused something; others' errors keep their traceback.

    `CSL_TRACEBACK=1` in the environment shows the traceback of ours, too.
    """
    try:
        yield
    except (ValueError, TypeError, ArithmeticError, OSError, ImportError, MisconfigurationException) as error:
        if os.environ.get(DEBUG) or not _is_ours(error):
            raise
        print(f"csl {command}: error: {error}", file=sys.stderr)
        print(f"({DEBUG}=1 shows where it was raised)", file=sys.stderr)
        sys.exit(1)


def _is_ours(error: BaseException) -> bool:
    """Whether the error was raised on purpose: by a line of csl, or by Lightning's own check of the trainer."""
    if isinstance(error, MisconfigurationException):
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
        print(f"{parser.prog.replace(' [options]', '')}: error: {explain(message, parser)}", file=sys.stderr)
        sys.exit(2)


def explain(message: str, parser: Any) -> str:
    """A parser's message, said again in terms of the names that were expected where it is about a wrong name."""
    if found := re.search(r'Parser key "([\w.]+)":(?:.|\n)*?Expected a dot import path string: ([\w.]+)', message):
        key, word = found.groups()
        return f"--{key}: unknown name {word!r}{did_you_mean(word, _class_names(key))}"
    if found := re.search(r"class_path '([\w.]+)':\s+Option '([\w.]+)' is not accepted", message):
        class_path, option = found.groups()
        return f"{class_path} has no option {option!r}{did_you_mean(option, _options(class_path))}"
    if found := re.search(r"(?:Unrecognized arguments:|[Kk]ey)\s+'?-{0,2}([\w.]+)", message):
        word = found.group(1)
        keys = [action.dest for action in parser._actions]
        return f"{message.strip()}{did_you_mean(word, keys, limit=0)}"
    return message.strip()


def _class_names(key: str) -> list[str]:
    """The classes that can stand for a key of the line."""
    import csl.data
    import csl.encoders
    import csl.methods

    bases: dict[str, type] = {"model": csl.methods.Method, "data.source": csl.data.ImageSource}
    base: type | None = bases.get(key, csl.encoders.Encoder if key.endswith("encoder") else None)
    return [] if base is None else sorted(found.__name__ for found in _subclasses(base))


def _subclasses(base: type) -> Iterator[type]:
    for kind in base.__subclasses__():
        yield kind
        yield from _subclasses(kind)


def _options(class_path: str) -> list[str]:
    """The constructor's arguments of a class."""
    module, _, name = class_path.rpartition(".")
    return list(signature(getattr(sys.modules[module], name)).parameters)
