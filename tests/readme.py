"""The code that README.md shows."""

import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def blocks_of(page: Path) -> list[str]:
    """Every Python block of a page, in order."""
    return re.findall(r"^```python\n(.*?)^```", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def block_with(words: str) -> str:
    """The one block that holds some words."""
    (found,) = [block for block in blocks_of(README) if words in block]
    return found
