import csv
import io

import pytest

from csl.table import Table, aligned, shown

TABLE = Table(["run", "val"], [["a,b", 0.123456], ["c\nd", 12345.678], ["<e> | f", float("nan")], ["g", None]])


def test_text_is_aligned_and_has_no_trailing_blanks() -> None:
    assert Table(["", "val", "n"], [["long name", 0.5, 3], ["x", None, 10000]]).text(least=6) == (
        "              val       n\nlong name  0.5000       3\nx                   10000"
    )


def test_a_wide_cell_widens_its_column() -> None:
    assert Table(["a", "b"], [["x", "123456"]]).text() == "a       b\nx  123456"


def test_lines_of_several_sections_share_their_columns() -> None:
    assert list(aligned([["Head", "value"], [], ["  row", 1.0]], "lr", [0, 7])) == [
        "Head     value",
        "",
        "  row   1.0000",
    ]


def test_markdown_keeps_a_row_in_one_line_of_its_cells() -> None:
    assert TABLE.markdown().splitlines() == [
        "| run | val |",
        "| --- | --- |",
        "| a,b | 0.1235 |",
        "| c d | 12,345.7 |",
        "| <e> \\| f | NaN |",
        "| g |  |",
    ]


def test_csv_is_read_back_in_full_precision() -> None:
    rows = list(csv.reader(io.StringIO(TABLE.csv())))
    assert rows[0] == ["run", "val"]
    assert rows[1:] == [["a,b", "0.123456"], ["c\nd", "12345.678"], ["<e> | f", "nan"], ["g", ""]]


def test_html_of_a_strangers_name_is_no_markup() -> None:
    page = Table(['<script>alert("1")</script>'], [["</td><b>"]]).html()
    assert "<script>" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;" in page


@pytest.mark.parametrize(("cell", "text"), [(99.99, "99.9900"), (100.0, "100.0"), (-123456.0, "-123,456.0")])
def test_large_numbers_lose_their_decimals(cell: float, text: str) -> None:
    assert shown(cell, largest=100) == text
    assert shown(True) == "True"
