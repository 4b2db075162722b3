"""The pages that are made from the code: nothing public is left out, and nothing is said of what is gone."""

import doctest
import pkgutil
from collections.abc import Sequence
from typing import Any

import pytest
import yaml

import csl
import docs.generated.measures as measures_page
from csl.metrics.measures import MEASURES
from docs.generated import docstrings, methods, reference, results
from docs.generated.docstrings import prose, summary
from tests.pages import ROOT

# Packages that a user imports nothing from.
INTERNAL = {"csl.commands", "csl.study"}


def test_notes_are_of_the_measures_that_there_are() -> None:
    notes = measures_page.notes()
    assert set(notes) == set(MEASURES), "docs/notes.yaml: one entry a measure"
    assert all(set(note) == {"moves", "misleads"} for note in notes.values())


@pytest.mark.parametrize("name", MEASURES)
def test_a_section_says_what_the_declaration_says(name: str) -> None:
    measure, text = MEASURES[name], measures_page.section(MEASURES[name])
    assert text.startswith(f"### {name}\n")
    for part in (measure.meaning, measure.paper, prose(measure.function), measures_page.notes()[name]["misleads"]):
        assert part in text
    for options in measure.panel(measures_page.CHOICES):
        assert all(f"`{scalar}`" in text for scalar in measure.scalar_names(**options))


def test_every_measure_is_shown_on_the_six_shapes() -> None:
    (table,) = results.tables(measures_page.on_shapes())
    assert table.header[1:] == ["uniform", "circles", "lines", "small clumps", "random segments", "Gaussians"]
    rows = {row[0]: row[1:] for row in table.rows}
    assert {"rld_0.1", "calinski_harabasz", "nc1_variability", "rankme"} <= set(rows)
    assert float(rows["calinski_harabasz"][1]) == pytest.approx(1.03, abs=0.005)
    assert rows["calinski_harabasz"][5] == "12,097"


def test_methods_have_recipe_losses_and_what_was_measured() -> None:
    text = methods.page()
    assert {one.__name__ for one in methods.methods()} >= {"SimCLR", "TSimCNE", "Frozen", "Supervised"}
    for method in methods.methods():
        assert f"\n## {method.__name__}\n\n{prose(method)}" in text
    simclr = text.split("## SimCLR\n")[1].split("\n## ")[0]
    assert "`optimizer: lars`, `lr: 0.4`" in simclr
    assert "**`nt_xent_loss`.**" in simclr
    row = next(
        line
        for line in (results.RESULTS / "methods-digits.md").read_text().splitlines()
        if line.startswith("| SimCLR |")
    )
    assert f"| [digits](benchmarks/methods-digits.md) |{row.split('|')[2]}|" in simclr


def test_the_reference_has_every_package() -> None:
    packages = {f"csl.{module.name}" for module in pkgutil.iter_modules(csl.__path__) if module.ispkg}
    assert packages - INTERNAL <= set(reference.PACKAGES)
    assert {f"csl.{m.name}" for m in pkgutil.iter_modules(csl.__path__) if not m.ispkg} - {
        *reference.MODULES,
        *("csl.cli", "csl.__main__", "csl.randomness", "csl.version"),
    } == set()


@pytest.mark.parametrize("package", reference.PACKAGES)
def test_a_page_has_every_public_name(package: str) -> None:
    text = reference.page(package)
    assert reference.public(package)
    for name in reference.public(package):
        assert f"::: {reference.identifier(package, name)}\n" in text


def test_the_index_has_every_result() -> None:
    text = results.index()
    assert all(f"(benchmarks/{file.name})" in text for file in results.pages())


def test_a_docstring_ends_before_its_first_section() -> None:
    def documented() -> None:
        """One.

        Two
        lines.

        Args:
            x: three
        """

    assert prose(documented) == "One.\n\nTwo\nlines."
    assert summary(documented) == "One."


def test_the_menu_has_every_page_that_is_written() -> None:
    written = {str(file.relative_to(ROOT / "docs")) for file in (ROOT / "docs").rglob("*.md")}
    assert written == set(_files(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"])) - {
        "measures.md",
        "methods.md",
    }


def _files(menu: Sequence[Any]) -> list[str]:
    found: list[str] = []
    for entry in menu:
        below: Any = next(iter(entry.values())) if isinstance(entry, dict) else entry
        found += [below] if isinstance(below, str) else _files(below)
    return found


@pytest.mark.parametrize("module", [docstrings, reference, results], ids=lambda module: module.__name__)
def test_examples_are_right(module: object) -> None:
    found = doctest.testmod(module)  # type: ignore[arg-type]
    assert (found.failed, found.attempted > 0) == (0, True)
