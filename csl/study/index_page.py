"""The page of a folder of tables and pictures: all of them below each other, with links to the files."""

from collections.abc import Collection, Mapping

from csl.study.template import filled
from csl.table import Table, shown

ROWS = 40  # of a table, at most; the file has all of them


def index_page(title: str, text: str, tables: Mapping[str, Table], figures: Collection[str]) -> str:
    """The page, as HTML, which looks for its pictures beside itself.

    Args:
        title: What stands above it.
        text: What was found, in words.
        tables: Tables by the names of their files.
        figures: Names of the pictures' files.

    Example:
        >>> page = index_page("plane", "one run", {"runs": Table(["run", "rld"], [["<a>", 0.123456]])}, ["plane"])
        >>> [part in page for part in ('src="plane.png"', 'href="runs.csv"', "<td>&lt;a&gt;</td>", "<td>0.1235</td>")]
        [True, True, True, True]
    """
    return filled(
        "index.html.j2",
        title=title,
        text=text,
        tables={name: _first(table) for name, table in tables.items()},
        lengths={name: len(table.rows) for name, table in tables.items()},
        figures=list(figures),
        names=list(dict.fromkeys([*figures, *tables])),
    )


def _first(table: Table) -> Table:
    return Table(table.header, [[shown(cell) for cell in row] for row in table.rows[:ROWS]])
