from pathlib import Path

import pytest
import torch

from csl import __version__
from tests.commands.runs import csl


@pytest.mark.parametrize("word", ["--version", "-V"])
def test_the_version_names_what_results_depend_on(tmp_path: Path, word: str) -> None:
    first, second, third = csl(tmp_path, word).splitlines()
    assert first == f"csl {__version__}"
    assert f"torch {torch.__version__}" in second
    assert "lightning 2.6" in second
    assert f"{torch.get_num_threads()} threads" in third
