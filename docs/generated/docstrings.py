"""Parts of Google docstrings."""

import re
from inspect import getdoc
from typing import Any

SECTIONS = re.compile(r"^(Args|Attributes|Returns|Raises|Example|Examples):$", re.MULTILINE)


def prose(documented: Any) -> str:
    """What a docstring says before its first section.

    Example:
        >>> prose(prose)
        'What a docstring says before its first section.'
    """
    return SECTIONS.split(getdoc(documented) or "")[0].strip()


def summary(documented: Any) -> str:
    """The first sentence of a docstring."""
    return prose(documented).split("\n\n")[0].replace("\n", " ")
