"""Every number in README.md and the documentation that was measured is the one in `benchmarks/results`.

A table belongs to the result file that is linked last above it, in its section. Its columns and rows are called as
there.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.generated.results import RESULTS, Rows, tables
from tests.pages import PAGES

LINK = re.compile(r"\]\((?:\.\./)*benchmarks/results/([\w-]+\.md)\)")
# With a point or thousands: what else is whole is mostly a setting.
NUMBER = re.compile(r"\d[\d,]*\.\d+|\d{1,3}(?:,\d{3})+")


def measured(page: Path) -> Iterator[tuple[str, Rows]]:
    """The tables of a page, and the result file of each, as far as one is linked."""
    for section in re.split(r"^#+ ", page.read_text(), flags=re.MULTILINE):
        above, *below = re.split(r"^(?=\|[^\n]*\n\|[ :|-]+\|$)", section, flags=re.MULTILINE)
        for part in below:
            if found := LINK.findall(above):
                yield from ((found[-1], table) for table in tables(part))
            above += part


CASES = [(page, file, table) for page in PAGES for file, table in measured(page)]


def test_there_are_such_tables() -> None:
    assert {page.name for page, _, _ in CASES} >= {"README.md", "results.md"}
    assert {file for _, file, _ in CASES} >= {
        "methods-digits.md",
        "methods-mnist.md",
        "methods-cifar10-cpu.md",
        "probes.md",
    }


@pytest.mark.parametrize(("page", "file", "table"), CASES, ids=lambda case: getattr(case, "name", None))
def test_its_cells_are_those_of_the_results(page: Path, file: str, table: Rows) -> None:
    known: dict[tuple[str, str], str] = {}
    for found in tables((RESULTS / file).read_text()):
        known |= {
            (row[0], name): cell for row in found.rows for name, cell in zip(found.header[1:], row[1:], strict=True)
        }
    for row in table.rows:
        for name, cell in zip(table.header[1:], row[1:], strict=True):
            assert cell == known[row[0], name], f"{page.name}: {row[0]}, {name}"


def paragraphs(page: Path) -> Iterator[tuple[str, str]]:
    """The paragraphs and the rows of tables that link one result file, and the file."""
    for part in re.split(r"\n\n|\n(?=\|)", page.read_text()):
        if len(found := LINK.findall(part)) == 1:
            yield part, found[0]


SAID = [(page, *said) for page in PAGES for said in paragraphs(page)]


@pytest.mark.parametrize(("page", "text", "file"), SAID, ids=lambda case: getattr(case, "name", None))
def test_numbers_in_a_paragraph_stand_in_the_results_it_links(page: Path, text: str, file: str) -> None:
    known = set(NUMBER.findall((RESULTS / file).read_text()))
    assert [number for number in NUMBER.findall(text) if number not in known] == []


def test_some_paragraphs_say_numbers() -> None:
    assert sum(len(NUMBER.findall(text)) for _, text, _ in SAID) > 10
