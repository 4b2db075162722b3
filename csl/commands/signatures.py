"""A parser from a function's signature and docstring."""

import argparse
import inspect
import types
import typing
from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import indent
from typing import Annotated, Any, Literal, NamedTuple, NoReturn

from docstring_parser import DocstringStyle, parse

from csl.commands.bar import Bar
from csl.commands.device import Device
from csl.commands.errors import end
from csl.commands.suggest import did_you_mean

Folder = Annotated[Path, "FOLDER"]
METAVARS = {Path: "FILE", int: "N", float: "X", str: "NAME"}


class Kind(NamedTuple):
    """What values a parameter takes.

    Attributes:
        type: The type of one value.
        several: Whether there may be several.
        choices: The only values there are; None for any.
        metavar: What the help page calls a value; by the type if empty.
    """

    type: Any
    several: bool = False
    choices: Sequence[Any] | None = None
    metavar: str = ""


def parser_of(command: str, function: Callable[..., Any], more: Callable[[], str] | None = None) -> "Parser":
    """A parser of a function's parameters in the words of its docstring.

    Args:
        command: The command's name.
        function: Its signature gives options, types and defaults; its docstring description, `Args:`, `Examples:`.
        more: The end of the help page, made only when somebody asks for the page.

    Raises:
        TypeError: If a parameter has a type that no option has.

    Example:
        >>> def count(file: Path, *, ks: Sequence[int] = (1, 10), fast: bool = False) -> None:
        ...     "Count."
        >>> parser_of("count", count).parse_args(["a.npz", "--ks", "3"])
        Namespace(file=PosixPath('a.npz'), ks=[3], fast=False)
    """
    page = parse(function.__doc__ or "", DocstringStyle.GOOGLE)
    words = {found.arg_name: " ".join((found.description or "").split()) for found in page.params}
    description = "\n\n".join(filter(None, [page.short_description, page.long_description]))
    examples = "\n\n".join(f"Examples\n{indent(found.description or '', '  ')}" for found in page.examples)
    parser = Parser(command, description, examples, more)
    for name, kind in kinds(function).items():
        parameter = inspect.signature(function).parameters[name]
        _add(parser, parameter, kind, words.get(name, "").replace("%", "%%"))
    return parser


def kinds(function: Callable[..., Any]) -> dict[str, Kind]:
    """What each parameter of a function takes.

    Example:
        >>> def show(runs: Sequence[Path], *, form: Literal["md", "csv"] = "md") -> None: ...
        >>> kinds(show)["form"]
        Kind(type=<class 'str'>, several=False, choices=('md', 'csv'), metavar='')
    """
    return {name: _kind(parameter.annotation) for name, parameter in inspect.signature(function).parameters.items()}


class Parser(argparse.ArgumentParser):
    """A parser with one form of errors, whose help page may end with something that takes long to make."""

    def __init__(self, command: str, description: str, examples: str, more: Callable[[], str] | None) -> None:
        form = argparse.RawDescriptionHelpFormatter
        super().__init__(f"csl {command}", description=description, epilog=examples, formatter_class=form)
        self._command, self._more = command, more

    def format_help(self) -> str:
        """The help page."""
        return super().format_help() + ("" if self._more is None else f"\n{self._more()}\n")

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and which option may have been meant."""
        if message.startswith("unrecognized arguments: "):
            word = message.split()[2].split("=")[0]
            if word.startswith("-"):
                options = [option for action in self._actions for option in action.option_strings]
                message = f"unknown option {word}{did_you_mean(word, options, 0)}"
            else:
                message = f"unexpected word {word!r}"
        end(self._command, message, 2)


def _add(parser: Parser, parameter: inspect.Parameter, kind: Kind, words: str) -> None:
    """Add the option of a parameter; one without a default, or before the `*`, has no name on the line."""
    name, default = parameter.name, parameter.default
    option = f"--{name.replace('_', '-')}"
    if kind.type is Bar:
        parser.add_argument("--quiet", dest=name, action="store_true", help="no progress bar")
    elif kind.type is Device:
        page = "where to compute, such as cpu or cuda:1; a GPU if there is one otherwise"
        parser.add_argument("--device", dest=name, metavar="NAME", help=page)
    elif kind.type is bool:
        parser.add_argument(option, action="store_true", help=words)
    else:
        if kind.type not in METAVARS:
            raise TypeError(f"{name}: expected a type of {', '.join(t.__name__ for t in METAVARS)}, got {kind.type}")
        form: dict[str, Any] = {"type": kind.type, "choices": kind.choices, "nargs": "+" if kind.several else None}
        if default is parameter.empty or parameter.kind is not parameter.KEYWORD_ONLY:
            metavar = name.upper().removesuffix("S" if kind.several else "")
            if default is not parameter.empty:
                form.update(nargs="?", default=default)
            parser.add_argument(name, metavar=metavar, help=words, **form)
        else:
            form["metavar"] = None if kind.choices else kind.metavar or METAVARS[kind.type]
            parser.add_argument(option, help=words + _shown(default), default=default, **form)


def _kind(hint: Any) -> Kind:
    origin, parts = typing.get_origin(hint), [part for part in typing.get_args(hint) if part is not type(None)]
    if origin in (typing.Union, types.UnionType):
        return _kind(parts[0])
    if origin is Annotated:
        return _kind(parts[0])._replace(metavar=parts[1])
    if origin is Literal:
        return Kind(type(parts[0]), choices=tuple(parts))
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return _kind(parts[0])._replace(several=True)
    return Kind(hint)


def _shown(default: Any) -> str:
    """A default at the end of an option's help."""
    if default is None or default == ():
        return ""
    return f" (default: {' '.join(map(str, default)) if isinstance(default, tuple) else default})"
