"""The pages of the API reference: everything public, package by package."""

import importlib
from inspect import ismodule

# Packages whose public names are listed in `__all__` or found with `dir`, and modules that are public as they are.
PACKAGES = (
    "csl",
    "csl.data",
    "csl.encoders",
    "csl.methods",
    "csl.losses",
    "csl.metrics.functional",
    "csl.metrics",
    "csl.graph",
    "csl.probes",
    "csl.figures",
    "csl.callbacks",
    "csl.modules",
    "csl.io",
    "csl.pairwise",
)
MODULES = ("csl.types", "csl.runs", "csl.table", "csl.distributed", "csl.checks", "csl.metrics.measure")


def public(package: str) -> list[str]:
    """The public names of a package, sorted.

    Example:
        >>> "SimCLR" in public("csl.methods"), "RankMe" in public("csl.metrics")
        (True, True)
    """
    module = importlib.import_module(package)
    names = getattr(module, "__all__", None) or [name for name in dir(module) if name in module._HOMES]
    return sorted(name for name in names if not name.startswith("_") and not ismodule(getattr(module, name)))


def identifier(package: str, name: str) -> str:
    """Where a public name is defined: a function may be called as the module that it stands in.

    Example:
        >>> identifier("csl.metrics.functional", "alignment")
        'csl.metrics.functional.alignment.alignment'
    """
    found = getattr(importlib.import_module(package), name)
    home = getattr(found, "__module__", "")
    return (
        f"{home}.{name}" if home.startswith("csl") and getattr(found, "__name__", "") == name else f"{package}.{name}"
    )


def page(place: str) -> str:
    """The page of a package or module, in Markdown, for mkdocstrings."""
    module = importlib.import_module(place)
    if place in MODULES:
        return f"# {place}\n\n::: {place}\n    options:\n      show_root_heading: false\n"
    entries = [f"::: {identifier(place, name)}\n    options:\n      heading_level: 2\n" for name in public(place)]
    return "\n".join([f"# {place}\n\n{module.__doc__ or ''}\n", *entries])


def file_of(place: str) -> str:
    """The file of a page."""
    return f"reference/{place}.md"
