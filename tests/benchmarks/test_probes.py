"""The table of probes is what `csl validate` says of each run, asked once."""

import shutil
from pathlib import Path

import pytest

from benchmarks import probes
from benchmarks.method_rows import LOGS
from csl.runs import Run
from tests.commands.runs import csl, inside
from tests.pages import ROOT

REFERENCE = ROOT / "lightning_logs/reference/simclr/version_0"


def test_a_row_is_what_validate_says_and_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def here(*line: str) -> None:
        asked.append(line[:2])
        csl(tmp_path, *line, "--trainer.enable_progress_bar", "false")

    monkeypatch.setattr(probes, "command", here)
    monkeypatch.setattr(probes, "PROBES", {name: probes.PROBES[name] for name in ("linear", "knn")})
    run = LOGS / "digits-simclr/seed_0"
    shutil.copytree(REFERENCE, tmp_path / run)
    with inside(tmp_path):
        rows = [probes.row("digits-simclr", seeds=2) for _ in range(2)]
    logged = Run(REFERENCE).last_scalars()
    linear, knn = (f"{logged[f'val/{name}_accuracy']:.3f}" for name in ("linear", "knn"))
    assert rows == 2 * [["digits-simclr", "32", "1,797", "1", f"{linear} (330)", knn]]
    assert asked == 2 * [("validate", str(run))]  # once for each seed of the probe


def test_seeds_are_the_runs_own_or_else_the_probes() -> None:
    one, two = Path("seed_0"), Path("seed_1")
    assert list(probes.turns([one], 3)) == [(one, 0), (one, 1), (one, 2)]
    assert list(probes.turns([one, two], 3)) == [(one, 0), (two, 1)]
