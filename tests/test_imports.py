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


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_imports_only_from_rows_above_its_own(path: Path) -> None:
    here = own_part(path)
    assert here in RANK, f"{path} lives in a place that the design does not name"
    for name in imported(path):
        there = part_of(name)
        assert there is None or RANK[there] <= RANK[here], f"{path} imports {name} from a row below {here}"
        for forbidden in FORBIDDEN.get(here, []):
            assert not f"{name}.".startswith(f"{forbidden}."), f"{path} must not know {forbidden}"


@pytest.mark.parametrize(("library", "place"), ONLY_IN.items())
def test_only_one_file_names_a_library(library: str, place: str) -> None:
    users = [
        str(path.relative_to(PACKAGE.parent))
        for path in FILES
        if any(name == library or name.startswith(f"{library}.") for name in imported(path))
    ]
    assert set(users) <= {place}


def test_the_rows_hold_for_a_wrong_import(tmp_path: Path) -> None:
    """The test above can fail: an upward import is seen."""
    file = tmp_path / "wrong.py"
    file.write_text("from csl.callbacks import FeatureCollector\n")
    assert {RANK[str(part_of(name))] for name in imported(file)} == {RANK["csl.callbacks"]}
    assert RANK["csl.callbacks"] > RANK["csl.metrics"]
