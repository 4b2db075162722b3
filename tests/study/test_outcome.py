import json
import re
from pathlib import Path

import pytest

from csl.figures.style import new_figure
from csl.study.outcome import Outcome
from csl.table import Table


def outcome() -> Outcome:
    table = Table(["run", "rld"], [["<b>a</b>", 0.5], ["$b$", float("nan")]])
    return Outcome("two runs", {"runs": table}, {"plane": new_figure(1, 1)}, {"k": 3})


def test_every_table_and_picture_is_written_in_every_form(tmp_path: Path) -> None:
    written = outcome().write(tmp_path / "new" / "folder")
    names = sorted(path.name for path in (tmp_path / "new" / "folder").iterdir())
    assert names == ["index.html", "plane.png", "plane.svg", "runs.csv", "runs.json", "runs.md"]
    folder = tmp_path / "new" / "folder"
    assert json.loads((folder / "runs.json").read_text()) == [
        {"run": "<b>a</b>", "rld": 0.5},
        {"run": "$b$", "rld": None},
    ]
    assert (folder / "runs.csv").read_text() == "run,rld\n<b>a</b>,0.5\n$b$,nan\n"
    assert (folder / "plane.png").read_bytes()[:4] == b"\x89PNG"
    assert "<svg" in (folder / "plane.svg").read_text()
    page = (folder / "index.html").read_text()
    assert "<h1>folder</h1>" in page
    assert "two runs" in page
    assert all((folder / target).is_file() for target in re.findall(r'(?:href|src)="([^"#]+)"', page))
    assert "<td>&lt;b&gt;a&lt;/b&gt;</td>" in page
    assert str(written).startswith("two runs\nwritten to ")
    assert str(written).endswith("tables (csv, json, md): runs; pictures (png, svg): plane")


def test_the_page_shows_the_first_rows_of_a_long_table_and_says_so(tmp_path: Path) -> None:
    Outcome("much", {"rows": Table(["number"], [[f"row {number}"] for number in range(1_041)])}).write(tmp_path)
    page = (tmp_path / "index.html").read_text()
    assert "The first 40 of 1,041 rows." in page
    assert "<td>row 39</td>" in page
    assert "row 40" not in page


def test_without_a_folder_nothing_is_written(tmp_path: Path) -> None:
    found = outcome()
    assert found.write(None) is found
    assert found.to_json() == {"k": 3, "runs": [{"run": "<b>a</b>", "rld": 0.5}, {"run": "$b$", "rld": None}]}


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="cannot write"):
        outcome().write(tmp_path / "file")
