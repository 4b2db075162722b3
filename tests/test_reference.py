"""The two runs in lightning_logs/reference are small, whole, and can be looked at without training or measuring."""

import json
import shutil
from pathlib import Path

import pytest

from csl.runs import Run
from csl.study.encoding import Bench
from csl.study.rows import FOLDER, read_row
from tests.commands.runs import csl
from tests.pages import ROOT

REFERENCE = Path("lightning_logs/reference")
RUNS = {"SimCLR": REFERENCE / "simclr/version_0", "Supervised": REFERENCE / "supervised/version_0"}
ANEW = "what lies in lightning_logs/reference is not of this version of csl any more; make reference"


def test_they_are_under_two_megabytes_together() -> None:
    files = [file for run in RUNS.values() for file in (ROOT / run).rglob("*") if file.is_file()]
    made_again = [file for file in files if file.parent.name == FOLDER and not file.name.startswith("epoch_")]
    assert sum(file.stat().st_size for file in set(files) - set(made_again)) < 2e6
    assert {"config.yaml", "record.yaml", "last.ckpt", "encoder.safetensors"} <= {file.name for file in files}
    assert {"val_feature_map_000599.png", "val_class_density_000599.png"} <= {file.name for file in files}


@pytest.mark.parametrize("method", RUNS)
def test_configuration_still_parses_and_the_named_one_makes_the_same(tmp_path: Path, method: str) -> None:
    printed = csl(tmp_path, "fit", "--config", str(ROOT / RUNS[method] / "config.yaml"), "--print_config")
    other = ["--trainer.logger.name", "supervised", "--model", "Supervised"] if method == "Supervised" else []
    assert printed == csl(tmp_path, "fit", "--config", "digits/reference", *other, "--print_config"), ANEW


@pytest.mark.parametrize("method", RUNS)
def test_run_is_finished_and_all_of_its_checkpoints_are_measured(method: str) -> None:
    run = Run(ROOT / RUNS[method])
    assert run.method == method
    assert run.is_finished
    assert [one.epoch for one in run.checkpoints] == [15, 30, 45, 60, 60]
    kept = [one for one in run.checkpoint_files if one != run.last]
    assert all(read_row(run.folder / FOLDER, file) is not None for file in kept), ANEW
    assert "val/rld_0.1" in run.last_scalars()
    assert len(run.pictures("val/feature_map")) == 2


def test_csl_compare_needs_to_measure_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(bench: Bench, checkpoint: Path) -> dict[str, float]:
        raise AssertionError(f"measured {checkpoint}; {ANEW}")

    monkeypatch.setattr(Bench, "measured", refuse)
    for run in RUNS.values():
        shutil.copytree(ROOT / run, tmp_path / run, copy_function=shutil.copyfile)  # with other times, as a clone has
    csl(tmp_path, "compare", *map(str, RUNS.values()), "--quiet", "--output", "found.json")
    found = json.loads((tmp_path / "found.json").read_text())
    assert list(found["groups"]) == ["simclr", "supervised"]
    assert found["apart"] == {}
    for rows in found["runs"].values():
        assert [row["epoch"] for row in rows] == [15, 30, 45, 60]
    scores = {name: row["CHS"][0] for name, row in found["groups"].items()}
    assert scores["supervised"] > 2 * scores["simclr"]  # as README says of csl's own runs on the digits
