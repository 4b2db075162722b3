"""What there is to choose from: `--model.help` without a name lists all methods, and so for encoders and sources."""

import importlib
import re
from collections.abc import Sequence
from inspect import getdoc, isclass

from csl.table import aligned

# The options that choose a class, what there is to choose from, and where it lives.
OFFERS = {
    "--model.help": ("methods", "csl.methods", "Method"),
    "--model.encoder.help": ("encoders", "csl.encoders", "Encoder"),
    "--data.source.help": ("image sources", "csl.data", "ImageSource"),
}


def asked(line: Sequence[str]) -> str:
    """The page that a line asks for; empty if it names a class, or asks for none.

    Example:
        >>> asked(["--model.help"]).splitlines()[0]
        'methods (--model NAME; --model.help NAME shows the options of one)'
        >>> asked(["--model.help", "SimCLR"])
        ''
    """
    for option, (what, package, base) in OFFERS.items():
        if option in line and ([*line, "-"][line.index(option) + 1]).startswith("-"):
            name = option.removesuffix(".help")
            head = f"{what} ({name} NAME; {option} NAME shows the options of one)"
            return "\n".join([head, *_lines(package, base)])
    return ""


def _lines(package: str, base: str) -> list[str]:
    """A line each: the name, the first sentence of the docstring, and the papers."""
    rows = [[f"  {kind.__name__}", _summary(kind), _papers(kind)] for kind in offered(package, base)]
    return list(aligned(rows, "lll", [0, 2, 2]))


def offered(package: str, base: str) -> list[type]:
    """The classes that a package exports and that are of a kind, by name.

    Example:
        >>> [kind.__name__ for kind in offered("csl.probes", "GraphProbe")]
        ['GCNProbe', 'LabelPropagationProbe']
    """
    module = importlib.import_module(package)
    kinds = [getattr(module, name) for name in sorted(module.__all__)]
    root = getattr(module, base)
    return [kind for kind in kinds if isclass(kind) and issubclass(kind, root) and kind is not root]


def description(kind: type) -> str:
    """What a class's docstring says before its arguments.

    Example:
        >>> from csl.methods import SimSiam
        >>> description(SimSiam).splitlines()[0]
        'Simple siamese network.'
    """
    return re.split(r"\n\n(?:Args|Raises|Returns|Example):\n", getdoc(kind) or "")[0]


def _summary(kind: type) -> str:
    return (getdoc(kind) or "").splitlines()[0].removesuffix(".")


def _papers(kind: type) -> str:
    found = dict.fromkeys(re.findall(r"arXiv (\d{4}\.\d{4,5})", getdoc(kind) or ""))
    return f"arXiv {', '.join(found)}" if found else ""
