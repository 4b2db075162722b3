"""The page of methods: from their docstrings, their recipes, and what was measured here."""

import re
from collections.abc import Iterator
from dataclasses import fields
from inspect import isclass, signature

import csl.losses
import csl.methods
from csl.methods import Method, Optimization
from docs.generated.docstrings import prose
from docs.generated.results import Rows, pages, tables, title

COLUMNS = ("kNN", "linear", "GCN", "RLD(0.1)", "CHS")
HEAD = """# Methods

Each is one file with one class, chosen by its name: `csl fit --model NAME`. On the digits all of csl's methods share
one optimization (AdamW); elsewhere each has the recipe below unless told otherwise, with `--model.optimization`.
"""


def page() -> str:
    """The whole page, in Markdown."""
    return "\n".join([HEAD, *(section(method) for method in methods())])


def methods() -> list[type[Method]]:
    """The methods of csl, by name."""
    found = [getattr(csl.methods, name) for name in sorted(csl.methods.__all__, key=str.casefold)]
    return [one for one in found if isclass(one) and issubclass(one, Method) and one is not Method]


def section(method: type[Method]) -> str:
    """What is to be known of one method."""
    name = method.__name__
    parts = [f"## {name}", prose(method), *_losses(method), f"**Recipe.** {_recipe(method)}"]
    if measured := _measured(name):
        parts.append(f"**Measured here.**\n\n{measured}")
    return "\n\n".join([*parts, f"Arguments: [`csl.methods.{name}`][{method.__module__}.{name}]\n"])


def _losses(method: type[Method]) -> Iterator[str]:
    """What the losses say of themselves that a method's docstring names."""
    for name in dict.fromkeys(re.findall(r"csl\.losses\.(\w+)", prose(method))):
        yield f"**`{name}`.** {prose(getattr(csl.losses, name))}"


def _recipe(method: type[Method]) -> str:
    """The optimization, without what it shares with every other."""
    given = signature(method).parameters.get("optimization")
    if given is None or not isinstance(given.default, Optimization):
        return "Nothing is trained."
    own = {field.name: getattr(given.default, field.name) for field in fields(given.default)}
    usual = {field.name: field.default for field in fields(given.default)}
    said = {name: value for name, value in own.items() if name in ("optimizer", "lr") or value != usual[name]}
    return ", ".join(f"`{name}: {value}`" for name, value in said.items()) + "."


def _measured(name: str) -> str:
    """A row for each set of images on which the method was measured; empty if there is none."""
    lines = []
    for file in pages():
        if not file.name.startswith("methods-"):
            continue
        for table in tables(file.read_text()):
            header, rows = table.columns(*COLUMNS)
            own = [row[1:] for row in rows if row[0] == name and header[1:] == list(COLUMNS)]
            lines += [[f"[{title(file).removeprefix('Methods on ')}](benchmarks/{file.name})", *row] for row in own]
    return Rows(["images", *COLUMNS], lines).markdown() if lines else ""
