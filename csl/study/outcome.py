"""What a command of the study found: a text, tables and pictures, which go into a folder."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from csl.io import replacing
from csl.study.index_page import index_page
from csl.table import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURES = ("png", "svg")


@dataclass(frozen=True)
class Outcome:
    """What was found.

    Attributes:
        text: What the command prints.
        tables: Tables by the names of their files.
        figures: Pictures by the names of their files.
        facts: What else the JSON says, such as the settings.
        fault: What could not be done, for the end of the command; empty if all was.

    Example:
        >>> found = Outcome("one run", {"runs": Table(["run", "rld"], [["a", 0.5]])})
        >>> print(found, found.to_json())
        one run {'runs': [{'run': 'a', 'rld': 0.5}]}
    """

    text: str
    tables: Mapping[str, Table] = field(default_factory=dict)
    figures: Mapping[str, "Figure"] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""

    def __str__(self) -> str:
        return self.text

    def to_json(self) -> dict[str, Any]:
        """The facts, and each table as a list of rows."""
        return {**self.facts, **{name: table.records() for name, table in self.tables.items()}}

    def write(self, folder: Path | None) -> "Outcome":
        """Write each table as CSV, JSON and Markdown, each picture as PNG and SVG, and a page that shows them all.

        Nothing is written without a folder.

        Returns:
            The same, with the files in its text.

        Raises:
            OSError: If the folder cannot be written to.
        """
        if folder is None or not (self.tables or self.figures):
            return self
        for name, table in self.tables.items():
            texts = {"csv": table.csv(), "json": json.dumps(table.records(), indent=2), "md": table.markdown()}
            for suffix, text in texts.items():
                with replacing(folder / f"{name}.{suffix}") as file:
                    file.write(f"{text.rstrip()}\n".encode())
        for name, figure in self.figures.items():
            for suffix in PICTURES:
                with replacing(folder / f"{name}.{suffix}") as file:
                    figure.savefig(file, format=suffix)
        with replacing(folder / "index.html") as file:
            file.write(index_page(folder.absolute().name, self.text, self.tables, self.figures).encode())
        return replace(self, text=f"{self.text}\n{self._written(folder)}")

    def _written(self, folder: Path) -> str:
        kinds = {"tables (csv, json, md)": self.tables, "pictures (png, svg)": self.figures}
        parts = [f"{kind}: {', '.join(names)}" for kind, names in kinds.items() if names]
        return f"written to {folder}, index.html shows it all: {'; '.join(parts)}"
