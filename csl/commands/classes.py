"""Which classes and options a name in a configuration could have meant."""

import importlib
import inspect
import pkgutil
import typing
from collections.abc import Iterator
from functools import cache

from jsonargparse import ArgumentParser

# What can be named in a configuration lives here; a class is loaded when first asked for in some of them.
PACKAGES = ("callbacks", "data", "encoders", "methods", "metrics", "probes")


def import_class(class_path: str) -> type:
    """The class at a path that is known to be one."""
    module, _, name = class_path.rpartition(".")
    found: type = getattr(importlib.import_module(module), name)
    return found


@cache
def parser_of(class_path: str) -> ArgumentParser:
    """A parser of a class's own options."""
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(import_class(class_path), fail_untyped=False)
    return parser


def options(parser: ArgumentParser) -> list[str]:
    """The names of a parser's options, those of an option's own class behind a dot.

    Example:
        >>> "optimization.lr" in options(parser_of("csl.methods.SimCLR"))
        True
    """
    return [action.dest for action in parser._actions if action.dest != "help"]


def class_names(parser: ArgumentParser, option: str) -> list[str]:
    """The short names of the classes that can stand for an option.

    Example:
        >>> class_names(parser_of("csl.methods.SimCLR"), "encoder")
        ['Backbone', 'ConvNet', 'HuggingFace', 'LabResNet', 'LocalNet', 'PatchResNet', 'Pixels', 'ResNet', 'Timm',
        'ViT']
    """
    return sorted({kind.__name__ for kind in _kinds(parser, option)})


def classes_with(parser: ArgumentParser, option: str, name: str) -> list[str]:
    """Those of them that have an option of this name.

    Example:
        >>> classes_with(parser_of("csl.methods.SimCLR"), "encoder", "patch_size")
        ['PatchResNet', 'ViT']
    """
    having = {kind for kind in _kinds(parser, option) if name in inspect.signature(kind).parameters}
    return sorted({kind.__name__ for kind in having})


def _kinds(parser: ArgumentParser, option: str) -> set[type]:
    """The classes that can stand for an option."""
    hints = [getattr(action, "_typehint", None) for action in parser._actions if action.dest == option]
    bases = tuple(base for hint in hints for base in _classes(hint))
    # Some classes exist only once they were asked for.
    offered = {name for package in PACKAGES for name in classes_in(f"csl.{package}")}
    found = {kind for base in bases for kind in _subclasses(base)} - set(bases)
    found = {kind for kind in found if not kind.__module__.endswith(".base") and not kind.__name__.startswith("_")}
    return {kind for kind in found if kind.__name__ in offered or not kind.__module__.startswith("csl.")}


def classes_in(module: str) -> list[str]:
    """The names of the classes that a module offers."""
    loaded = importlib.import_module(module)
    return [name for name in dir(loaded) if not name.startswith("_") and isinstance(getattr(loaded, name), type)]


def modules_in(package: str) -> list[str]:
    """The names of the modules in a package.

    Example:
        >>> {"callbacks", "data"} <= set(modules_in("csl"))
        True
    """
    places = getattr(importlib.import_module(package), "__path__", [])
    return [found.name for found in pkgutil.iter_modules(places)]


def _classes(hint: object) -> Iterator[type]:
    """The classes in a type, those of plain values aside."""
    for part in typing.get_args(hint):
        yield from _classes(part)
    if isinstance(hint, type) and not typing.get_args(hint) and hint.__module__ != "builtins":
        yield hint


def _subclasses(base: type) -> Iterator[type]:
    kind: type
    for kind in base.__subclasses__():
        yield kind
        yield from _subclasses(kind)
