"""Rows of cells as text, Markdown, CSV or HTML."""

import csv
import html
import io
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

Cell: TypeAlias = str | int | float | None


class Table(NamedTuple):
    """A header and rows of the same length; None is an empty cell, numbers are rounded except in CSV.

    Attributes:
        header: The names of the columns.
        rows: The cells, row by row.

    Example:
        >>> table = Table(["", "val"], [["rld_0.1", 0.8], ["knn", None]])
        >>> print(table.text())
                    val
        rld_0.1  0.8000
        knn
        >>> print(table.markdown())
        |  | val |
        | --- | --- |
        | rld_0.1 | 0.8000 |
        | knn |  |
    """

    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    def text(self, least: int = 0) -> str:
        """Aligned columns for a screen: the first to the left, the others to the right.

        Args:
            least: The least width of all columns but the first, in characters.
        """
        sides = "l" + "r" * (len(self.header) - 1)
        return "\n".join(aligned([self.header, *self.rows], sides, [0, *[least] * (len(self.header) - 1)]))

    def markdown(self) -> str:
        """A Markdown table; bars and line ends in cells are escaped."""
        lines = [self.header, ["---"] * len(self.header), *self.rows]
        return "\n".join("| " + " | ".join(_in_markdown(cell) for cell in line) + " |" for line in lines)

    def csv(self) -> str:
        """Comma-separated values with numbers in full precision; a quoted cell may hold commas and line ends."""
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows([self.header, *self.rows])
        return out.getvalue()

    def records(self) -> list[dict[str, Cell]]:
        """One dictionary a row, as JSON takes them: None where a number is not finite.

        Example:
            >>> Table(["run", "rld"], [["a", 0.5], ["b", math.nan]]).records()
            [{'run': 'a', 'rld': 0.5}, {'run': 'b', 'rld': None}]
        """
        return [dict(zip(self.header, map(_finite, row), strict=True)) for row in self.rows]

    def html(self) -> str:
        """An HTML table; nothing in a cell is taken for markup.

        Example:
            >>> print(Table(["<run>"], [["a & b"]]).html())
            <table>
            <thead><tr><th>&lt;run&gt;</th></tr></thead>
            <tbody>
            <tr><td>a &amp; b</td></tr>
            </tbody>
            </table>
        """
        body = "\n".join(f"<tr>{_in_html('td', row)}</tr>" for row in self.rows)
        head = f"<thead><tr>{_in_html('th', self.header)}</tr></thead>"
        return f"<table>\n{head}\n<tbody>\n{body}\n</tbody>\n</table>"

    def latex(self) -> str:
        r"""A LaTeX table with the rules of booktabs; nothing in a cell is taken for a command.

        Example:
            >>> print(Table(["", "50 %"], [["a_b", 0.5]]).latex())
            \begin{tabular}{lr}
            \toprule
             & 50 \% \\
            \midrule
            a\_b & 0.5000 \\
            \bottomrule
            \end{tabular}
        """
        head, *body = [" & ".join(map(_in_latex, line)) + r" \\" for line in (self.header, *self.rows)]
        sides = "l" + "r" * (len(self.header) - 1)
        rules = [rf"\begin{{tabular}}{{{sides}}}", r"\toprule", head, r"\midrule", *body, r"\bottomrule"]
        return "\n".join([*rules, r"\end{tabular}"])


def aligned(rows: Sequence[Sequence[Cell]], sides: str, least: Sequence[int]) -> Iterator[str]:
    """Lines of text in columns, two spaces apart.

    Args:
        rows: The cells; an empty row is an empty line.
        sides: One letter a column: `l` for left, `r` for right.
        least: The least width of each column, in characters.
    """
    cells = [[shown(cell) for cell in row] for row in rows]
    for row in cells:
        least = [max(width, len(cell)) for width, cell in zip(least, row, strict=True)] if row else least
    for row in cells:
        parts = zip(row, sides, least, strict=True) if row else ()
        yield "  ".join(f"{cell:{'<' if side == 'l' else '>'}{width}}" for cell, side, width in parts).rstrip()


def shown(cell: Cell, largest: float = 1000.0) -> str:
    """A cell as people read it: four decimals, or one and separators from the largest number on.

    Example:
        >>> shown(0.12345), shown(12345.678), shown(float("nan")), shown(None), shown(7)
        ('0.1235', '12,345.7', 'NaN', '', '7')
    """
    if cell is None:
        return ""
    if not isinstance(cell, float):
        return str(cell)
    if math.isnan(cell):
        return "NaN"
    return f"{cell:.4f}" if abs(cell) < largest else f"{cell:,.1f}"


def _finite(cell: Cell) -> Cell:
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell


def _in_markdown(cell: Cell) -> str:
    return shown(cell).replace("|", "\\|").replace("\n", " ")


_LATEX = {character: rf"\{character}" for character in "&%$#_{}"}
_LATEX |= {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$"}


def _in_latex(cell: Cell) -> str:
    return "".join(_LATEX.get(character, character) for character in shown(cell).replace("\n", " "))


def _in_html(tag: str, row: Sequence[Cell]) -> str:
    return "".join(f"<{tag}>{html.escape(shown(cell))}</{tag}>" for cell in row)
