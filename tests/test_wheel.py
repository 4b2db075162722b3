"""The wheel holds every file of the package: code, configurations, and the parts of the report."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NEEDED = ("pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT / "csl", folder / "csl", ignore=shutil.ignore_patterns("__pycache__"))
    for name in NEEDED:
        shutil.copy(ROOT / name, folder)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--wheel-dir", str(folder), str(folder)], check=True)
    (file,) = folder.glob("csl-*.whl")
    return zipfile.ZipFile(file)


def test_it_holds_every_file_of_the_package(wheel: zipfile.ZipFile) -> None:
    files = {file for file in (ROOT / "csl").rglob("*") if file.is_file() and "__pycache__" not in file.parts}
    packed = {name for name in wheel.namelist() if name.startswith("csl/")}
    assert packed == {file.relative_to(ROOT).as_posix() for file in files}


def test_it_brings_the_program(wheel: zipfile.ZipFile) -> None:
    (points,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    assert "csl = csl.cli:main" in wheel.read(points).decode()
