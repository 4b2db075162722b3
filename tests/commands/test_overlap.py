import json
from pathlib import Path

from tests.commands.runs import csl, failure


def test_digits_in_a_table_a_picture_and_json(tmp_path: Path) -> None:
    words = ["--draws", "100", "--pairs", "10", "--distances", "0.5", "--output", "out", "--json", "-"]
    found = json.loads(csl(tmp_path, "overlap", "Digits", *words))
    assert (found["draws"], found["images"], len(found["overlap"])) == (100, 1400, 4)
    assert set(found["overlap"][0]) == {
        "images",
        *("same", "same_low", "same_high", "within_0.5", "within_0.5_low", "within_0.5_high", "nearest", "median"),
    }
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["index.html", *(f"overlap.{suffix}" for suffix in ("csv", "json", "md", "png", "svg"))]


def test_help_teaches_and_errors_name_the_option(tmp_path: Path) -> None:
    assert "shared views cannot be what gathers a class" in " ".join(csl(tmp_path, "overlap", "--help").split())
    assert "--draws: expected a positive number, got 0" in failure(tmp_path, "overlap", "Digits", "--draws", "0")[1]
    assert "expected a run's folder or one of" in failure(tmp_path, "overlap", "nowhere")[1]
    message = failure(tmp_path, "overlap", "Digits", "--confidence", "1")[1]
    assert "--confidence: expected a number above 0 and below 1, got 1" in message
