"""What a GPU computes in one program for each tile, tried on the CPU."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from csl.pairwise.kernel import _fused


@pytest.mark.skipif(find_spec("triton") is None, reason="Triton comes with torch's CUDA builds only")
def test_every_case_holds_in_the_interpreter() -> None:
    cases = Path(__file__).with_name("fused_cases.py")
    line = [sys.executable, "-m", "pytest", str(cases), "-p", "no:cacheprovider", "-p", "no:xdist"]
    done = subprocess.run(
        line, env={**os.environ, "TRITON_INTERPRET": "1"}, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_a_cpu_takes_plain_operations() -> None:
    assert _fused(torch.device("cpu")) is None
