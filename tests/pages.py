"""The pages that people read, and the blocks of code in them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
README, CONTRIBUTING = ROOT / "README.md", ROOT / "CONTRIBUTING.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
INCLUDED = re.compile(r'^--8<-- "(\S+):(\w+)"$', re.MULTILINE)


class Block(NamedTuple):
    """A block of code: its language and its text."""

    language: str
    text: str

    @property
    def file(self) -> str:
        """The file that its first line names; empty if it names none."""
        found = re.match(r"# (\S+\.(?:py|yaml))\n", self.text)
        return found[1] if found else ""

    def commands(self) -> Iterator[str]:
        """The commands of a shell block, one line each, without comments."""
        for line in self.text.replace("\\\n", " ").splitlines():
            if line.strip() and not line.startswith("#"):
                yield re.sub(r"\s+# .*", "", line.strip())


def text_of(page: Path) -> str:
    """A page, with the parts of other pages that it includes."""

    def part(found: re.Match[str]) -> str:
        whole = (ROOT / found[1]).read_text()
        return whole.split(f"[start:{found[2]}] -->\n")[1].split(f"<!-- --8<-- [end:{found[2]}]")[0]

    return INCLUDED.sub(part, page.read_text())


def blocks_of(page: Path) -> list[Block]:
    """The blocks of a page, in order."""
    return [Block(*found) for found in FENCE.findall(text_of(page))]


def block_with(page: Path, words: str) -> str:
    """The one Python block of a page that holds some words."""
    (found,) = [block.text for block in blocks_of(page) if block.language == "python" and words in block.text]
    return found
