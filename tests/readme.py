"""The code that README.md shows."""

import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def python_blocks() -> list[str]:
    """Every Python block, in order."""
    return re.findall(r"^```python\n(.*?)^```", README.read_text(), flags=re.DOTALL | re.MULTILINE)


def block_with(words: str) -> str:
    """The one block that holds some words."""
    (found,) = [block for block in python_blocks() if words in block]
    return found
