"""The parser of the commands that Lightning carries out."""

import argparse
import os
import traceback
from pathlib import Path
from textwrap import fill
from typing import Any, NoReturn

from jsonargparse import DefaultHelpFormatter, Namespace
from lightning.pytorch.cli import LightningArgumentParser

from csl.commands.errors import DEBUG, end
from csl.commands.explain import explain
from csl.commands.listing import description
from csl.commands.names import with_files
from csl.commands.places import entries


class ParagraphFormatter(DefaultHelpFormatter):
    """Fills a description paragraph by paragraph; formulas and lists, which are indented, stay as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = text.split("\n\n")
        return "\n\n".join(each if each.startswith(" ") else fill(each, width) for each in paragraphs)


class TeachingParser(LightningArgumentParser):
    """An argument parser whose errors are short, say where the fault was written, and offer the nearest name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Half a name would be taken for the whole one on the line, though not in a file.
        super().__init__(*args, **{"allow_abbrev": False, **kwargs})

    def parse_path(self, path: Any, *args: Any, **kwargs: Any) -> Namespace:
        """Read a configuration file; a list in the place of a whole section would be dropped in silence."""
        for entry in entries(Path(path)):
            if entry.key in (self.groups or {}) and isinstance(entry.value, list):
                raise TypeError(f"{entry.place}: {entry.key}: expected a mapping, got a list")
        found: Namespace = super().parse_path(path, *args, **kwargs)
        return found

    def dump(self, *args: Any, **kwargs: Any) -> str:
        """A configuration as text; classes of a file are called by the file, so that it can be read anywhere."""
        return with_files(super().dump(*args, **kwargs))

    def add_function_arguments(self, *args: Any, linked_targets: Any = None, **options: Any) -> Any:
        """Take functions that make an object, which jsonargparse refuses where a link points into their arguments."""
        return super().add_function_arguments(*args, **options)

    def add_class_arguments(self, theclass: type, *args: Any, **options: Any) -> Any:
        """Add a class's options; the page of one class, `--model.help NAME`, begins with what its docstring tells."""
        if (self.description or "").startswith("Help for --"):
            self.description, self.formatter_class = description(theclass), ParagraphFormatter
        return super().add_class_arguments(theclass, *args, **options)

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Print one message and leave with status 2."""
        if not self.exit_on_error:
            super().error(message, ex)
        error = ex or argparse.ArgumentError(None, message)
        if os.environ.get(DEBUG):
            traceback.print_exception(error)
        parser, line = self, list(self.args)
        if self._subcommands_action is not None:
            parser = self._subcommands_action.choices[line.pop(0)]
        end(parser.prog.split()[-1], explain(error, parser, line), 2)
