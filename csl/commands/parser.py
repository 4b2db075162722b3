"""The parser of the commands that Lightning carries out."""

import argparse
import os
import traceback
from pathlib import Path
from typing import Any, NoReturn

from jsonargparse import Namespace
from lightning.pytorch.cli import LightningArgumentParser

from csl.commands.errors import DEBUG, end
from csl.commands.explain import explain
from csl.commands.places import entries


class TeachingParser(LightningArgumentParser):
    """An argument parser whose errors are short, say where the fault was written, and offer the nearest name."""

    def parse_path(self, path: Any, *args: Any, **kwargs: Any) -> Namespace:
        """Read a configuration file; a list in the place of a whole section would be dropped in silence."""
        for entry in entries(Path(path)):
            if entry.key in (self.groups or {}) and isinstance(entry.value, list):
                raise TypeError(f"{entry.place}: {entry.key}: expected a mapping, got a list")
        found: Namespace = super().parse_path(path, *args, **kwargs)
        return found

    def add_function_arguments(self, *args: Any, linked_targets: Any = None, **options: Any) -> Any:
        """Take functions that make an object, which jsonargparse refuses where a link points into their arguments."""
        return super().add_function_arguments(*args, **options)

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
