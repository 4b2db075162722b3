"""Lets the docstrings' "Example:" be read as examples, with their output as it is printed, and not as prose."""

import re
from typing import Any

import griffe


class Examples(griffe.Extension):
    """Renames the section to the one that the parser of Google docstrings knows."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Look at one class, function, module or attribute."""
        if obj.docstring:
            obj.docstring.value = re.sub(r"^Example:$", "Examples:", obj.docstring.value, flags=re.MULTILINE)
