"""What README.md shows works as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from csl.cli import COMMANDS
from tests.readme import README, block_with


@pytest.mark.parametrize("words", ["relative_local_density(", "Trainer("])
def test_its_code_runs(tmp_path: Path, words: str) -> None:
    code = block_with(words).replace("max_epochs=10", "max_epochs=1")
    result = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_its_commands_exist() -> None:
    used = set(re.findall(r"^    csl (\w+)", README.read_text(), flags=re.MULTILINE))
    assert used <= set(COMMANDS)
    assert {"fit", "validate", "predict"} <= used


def test_its_pictures_exist() -> None:
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README.read_text())
    assert pictures
    assert all((README.parent / picture).is_file() for picture in pictures)
