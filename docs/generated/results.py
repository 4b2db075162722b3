"""The tables of `benchmarks/results`, as pages and as rows."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"
RULE = re.compile(r"^\|[ :|-]+\|$")


class Rows(NamedTuple):
    """A table in Markdown.

    Attributes:
        header: The names of the columns; the first may be empty.
        rows: Their cells; the first is the name of the row.
    """

    header: list[str]
    rows: list[list[str]]

    def columns(self, *names: str) -> "Rows":
        """The first column and those that are named, as far as there are such."""
        at = [0, *(self.header.index(name) for name in names if name in self.header)]
        return Rows([self.header[i] for i in at], [[row[i] for i in at] for row in self.rows])

    def markdown(self) -> str:
        """The table as Markdown."""
        lines = [self.header, ["---"] * len(self.header), *self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def tables(text: str) -> Iterator[Rows]:
    r"""The tables in a page of Markdown.

    Example:
        >>> [rows] = tables("|  | kNN |\n| --- | --- |\n| SimCLR | 0.972 |")
        >>> rows
        Rows(header=['', 'kNN'], rows=[['SimCLR', '0.972']])
    """
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if number and RULE.match(line) and lines[number - 1].startswith("|"):
            rows = []
            for below in lines[number + 1 :]:
                if not below.startswith("|"):
                    break
                rows.append(_cells(below))
            yield Rows(_cells(lines[number - 1]), rows)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def title(page: Path) -> str:
    """The heading of a page."""
    return page.read_text().splitlines()[0].removeprefix("# ")


def pages() -> list[Path]:
    """The result files in Markdown, by name."""
    return sorted(RESULTS.glob("*.md"))


def index() -> str:
    """The page that lists them."""
    lines = [f"| [{title(page)}](benchmarks/{page.name}) | `{_command(page)}` |" for page in pages()]
    head = "# Benchmarks\n\nWhat was measured, and by which command; each page says on which machine.\n"
    return "\n".join([head, "| table | command |", "| --- | --- |", *lines, ""])


def _command(page: Path) -> str:
    found = re.search(r"python -m benchmarks\.\w+|make [\w-]+", page.read_text())
    return found[0] if found else ""
