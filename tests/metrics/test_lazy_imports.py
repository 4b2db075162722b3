import subprocess
import sys

import pytest

import csl.metrics


def test_functions_do_not_load_torchmetrics() -> None:
    line = "import sys; from csl.metrics import functional; sys.exit('torchmetrics' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", line], check=False).returncode == 0


def test_every_public_name_is_there() -> None:
    names = [name for name in dir(csl.metrics) if name in csl.metrics._HOMES]
    assert names == sorted(csl.metrics._HOMES)
    for name in names:
        assert getattr(csl.metrics, name).__name__ == name
    with pytest.raises(AttributeError, match=r"'csl\.metrics' has no attribute 'RelativeDensity'"):
        _ = csl.metrics.RelativeDensity  # type: ignore[attr-defined]
