"""The direction of imports: a file imports only from rows above its own (see ROWS)."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "csl"

# Lower rows may import from higher ones and from their own, never the other way round.
ROWS = [
    ["csl.version"],
    ["csl.checks"],
    ["csl.table"],
    ["csl.types"],
    ["csl.randomness"],
    ["csl.distributed"],
    ["csl.pairwise"],
    ["csl.io"],
    ["csl.runs"],
    ["csl.modules"],
    ["csl.data"],
    ["csl.encoders"],
    ["csl.losses"],
    ["csl.metrics"],
    ["csl.graph"],
    ["csl.probes"],
    ["csl.figures"],
    ["csl.methods"],
    ["csl.callbacks"],
    ["csl.study"],
    ["csl.commands"],
    ["csl.cli"],
    ["csl.__main__"],
]
RANK = {name: position for position, row in enumerate(ROWS) for name in row}

# What a row must not know although it stands above it, and the only files that may name a library.
FORBIDDEN = {
    "csl.distributed": ["lightning"],
    "csl.modules": ["lightning"],
    "csl.probes": ["lightning"],
    "csl.metrics": ["lightning", "csl.data", "csl.encoders", "csl.modules"],
    "csl.encoders": ["csl.data"],
    "csl.methods": ["csl.data", "csl.metrics", "csl.probes", "csl.figures", "csl.graph"],
    "csl.losses": ["lightning", "csl.data"],
    "csl.pairwise": ["lightning"],
    "csl.graph": ["lightning"],
    "csl.figures": ["lightning"],
}
ONLY_IN = {"torch.distributed": "csl/distributed.py", "dgl": "csl/graph/dgl_backend.py"}

FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def part_of(name: str) -> str | None:
    part = ".".join(name.split(".")[:2])
    return part if part in RANK else None


def own_part(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts[:2])


def faults(path: Path, here: str) -> list[str]:
    """What a file of this place imports and must not."""
    if here not in RANK:
        return [f"{here} is a place that the design does not name"]
    found = []
    for name in sorted(imported(path)):
        there = part_of(name)
        if there is not None and RANK[there] > RANK[here]:
            found.append(f"{name} is from a row below {here}")
        found += [f"{here} must not know {one}" for one in FORBIDDEN.get(here, []) if f"{name}.".startswith(f"{one}.")]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_imports_only_from_rows_above_its_own(path: Path) -> None:
    assert not faults(path, own_part(path))


@pytest.mark.parametrize(("library", "place"), ONLY_IN.items())
def test_only_one_file_names_a_library(library: str, place: str) -> None:
    users = [
        str(path.relative_to(PACKAGE.parent))
        for path in FILES
        if any(name == library or name.startswith(f"{library}.") for name in imported(path))
    ]
    assert users == [place]


@pytest.mark.parametrize(
    ("place", "line", "found"),
    [
        ("csl.metrics", "from csl.callbacks import FeatureCollector", "is from a row below csl.metrics"),
        ("csl.metrics", "def late():\n    import csl.cli", "csl.cli is from a row below csl.metrics"),
        ("csl.metrics", "from csl.pairwise import Pairs", None),
        ("csl.metrics", "from csl.metrics.samples import Samples", None),
        ("csl.metrics", "import lightning.pytorch as pl", "csl.metrics must not know lightning"),
        ("csl.metrics", "import lightning_fabric", None),
        ("csl.metrics", "from csl.data import Digits", "csl.metrics must not know csl.data"),
        ("csl.elsewhere", "import torch", "csl.elsewhere is a place that the design does not name"),
    ],
)
def test_a_wrong_import_is_found(tmp_path: Path, place: str, line: str, found: str | None) -> None:
    file = tmp_path / "some.py"
    file.write_text(f"{line}\n")
    assert [found in fault for fault in faults(file, place)] == [True] if found else not faults(file, place)


def test_a_relative_import_is_found(tmp_path: Path) -> None:
    file = tmp_path / "some.py"
    file.write_text("from .samples import Samples\n")
    with pytest.raises(AssertionError, match="imports relatively"):
        faults(file, "csl.metrics")


def test_the_table_names_what_there_is() -> None:
    """A row that was moved or misspelt would hold nobody to anything."""
    places = {own_part(path) for path in FILES}
    assert set(RANK) == places
    assert sum(map(len, ROWS)) == len(RANK)
    assert set(FORBIDDEN) <= places
    named = {name for names in FORBIDDEN.values() for name in names if name.startswith("csl.")}
    assert named <= places
