"""A comparison, written to a file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from csl.io import replacing
from csl.study.compare import Comparison
from csl.study.outcome import PICTURES
from csl.study.plane import plane
from csl.study.report import page

ENDINGS = {
    ".html": "html",
    ".htm": "html",
    ".md": "md",
    ".csv": "csv",
    ".json": "json",
    ".tex": "latex",
    ".png": "png",
    ".svg": "svg",
}


@dataclass(frozen=True)
class Written:
    """A comparison and the file that it was written to."""

    found: Comparison
    path: Path

    def __str__(self) -> str:
        """The tables, and the file."""
        return f"{self.found}\n\n{self.path} ({self.path.stat().st_size / 1e6:.1f} MB)"

    def to_json(self) -> Mapping[str, Any]:
        """The tables."""
        return facts(self.found)


def write(found: Comparison, path: Path, form: str | None = None) -> Written:
    """Write the page, the table alone, or the plane of local against global density alone.

    Args:
        found: What was compared.
        path: The file.
        form: "html"; "md", "csv", "json" or "latex" for the table; "png" or "svg" for the plane; by the file's ending
            if None.

    Raises:
        ValueError: If the ending says no form, or a plane is asked for and nobody measured both densities.
    """
    form = form or ENDINGS.get(path.suffix.lower())
    if form is None:
        raise ValueError(f"output: expected a file that ends in {', '.join(ENDINGS)}, or --format, got {path}")
    with replacing(path) as file:
        if form in PICTURES:
            plane(found).savefig(file, format=form)
        else:
            file.write(f"{_text(found, form)}\n".encode())
    return Written(found, path)


def facts(found: Comparison) -> dict[str, Any]:
    """Everything that is a number, for JSON: null where there is none."""
    standings = {
        group: {title: [_plain(one.mean), one.spread, _plain(one.error)] for title, one in row.items()}
        for group, row in found.standings.items()
    }
    runs = {entry.subject.name: [row.to_json() for row in entry.rows] for entry in (*found.entries, *found.others)}
    similar = [dict(zip(found.similar.header, row, strict=True)) for row in found.similar.rows]
    return {"groups": standings, "runs": runs, "similarity": similar, "apart": found.apart, "settings": found.settings}


def _text(found: Comparison, form: str) -> str:
    if form == "html":
        return page(found)
    if form == "json":
        return json.dumps(facts(found), indent=1, allow_nan=False)
    table = found.table
    return {"md": table.markdown, "csv": table.csv, "latex": table.latex}[form]().rstrip()


def _plain(value: float) -> float | None:
    return value if abs(value) < float("inf") else None
