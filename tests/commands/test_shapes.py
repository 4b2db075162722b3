import json
from pathlib import Path

from tests.commands.runs import csl, failure


def test_table_picture_and_json(tmp_path: Path) -> None:
    found = json.loads(
        csl(tmp_path, "shapes", "--draws", "1", "--output", "out", "--temperature", "0.1", "--json", "-")
    )
    assert (found["temperature"], found["draws"], len(found["shapes"]), len(found["clumps"])) == (0.1, 1, 6, 50)
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    tables = [f"{table}.{suffix}" for table in ("shapes", "clumps") for suffix in ("csv", "json", "md")]
    assert names == sorted(["index.html", "shapes.png", "shapes.svg", *tables])
    assert json.loads((tmp_path / "out" / "shapes.json").read_text()) == found["shapes"]


def test_help_and_refusals(tmp_path: Path) -> None:
    page = csl(tmp_path, "shapes", "--help")
    assert "--output FOLDER" in page
    assert "--temperature: expected a positive number, got 0" in failure(tmp_path, "shapes", "--temperature", "0")[1]
    assert "--draws: expected a positive number, got 0" in failure(tmp_path, "shapes", "--draws", "0")[1]
