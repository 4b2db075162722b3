"""The worked examples of CONTRIBUTING.md work as they stand there, from an empty folder."""

import importlib.util
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from csl.cli import COMMANDS, Command
from tests.commands.runs import SMALL_TRAINER, csl, curve
from tests.pages import CONTRIBUTING, blocks_of

FEW = ["--trainer.max_epochs", "1", "--trainer.limit_train_batches", "2", *SMALL_TRAINER]
EXAMPLES = {
    "my_method.py": ["--model", "my_method.MyTeacher", "--model.hidden_dim", "16", "--model.output_dim", "8"],
    "my_encoder.py": ["--model.encoder", "my_encoder.Patches", "--model.encoder.width", "8"],
    "my_probe.py": ["--trainer.callbacks+", "ProbeMonitor", "--trainer.callbacks.probes", "[my_probe.CentroidProbe]"],
    "my_source.py": ["--data.source", "my_source.Stripes", "--data.batch_size", "50"],
}

OWN_METRIC = ["--trainer.callbacks+", "OrganizationMetrics", "--trainer.callbacks.metrics", "[my_measure.MeanNorm]"]


def write(folder: Path, name: str) -> Path:
    """An example's file, by the name in its first line."""
    (code,) = [block.text for block in blocks_of(CONTRIBUTING) if block.file == name]
    file = folder / Path(name).name
    file.write_text(code)
    return file


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_trains(tmp_path: Path, name: str) -> None:
    write(tmp_path, name)
    csl(tmp_path, "fit", *EXAMPLES[name], *FEW)
    (run,) = tmp_path.glob("lightning_logs/*/version_0")
    assert curve(run, "val/knn_accuracy")
    if name == "my_probe.py":
        (accuracy,) = curve(run, "val/centroid_accuracy").values()
        assert 0.5 < accuracy <= 1


def test_a_momentum_teacher_with_small_crops_is_short(tmp_path: Path) -> None:
    code = write(tmp_path, "my_method.py").read_text()
    assert "View(4, scale=0.5" in code
    assert "momentum_copy" in code
    assert len(code.splitlines()) < 80


def test_an_example_is_a_measure(tmp_path: Path) -> None:
    write(tmp_path, "my_measure.py")
    csl(tmp_path, "fit", *OWN_METRIC, *FEW)
    (run,) = tmp_path.glob("lightning_logs/*/version_0")
    assert curve(run, "val/mean_norm_2.0")
    np.savez(tmp_path / "features.npz", features=np.array([[3.0, 4.0], [0.0, 1.0]]))
    options = ["--metrics", "my_measure.MEAN_NORM", "rankme", "--normalize", "false", "--json", "-"]
    found = json.loads(csl(tmp_path, "analyze", "features.npz", *options))
    assert found["values"]["mean_norm_2.0"] == 3


def test_an_example_is_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path, "csl/commands/norms.py")
    spec = importlib.util.spec_from_file_location("csl.commands.norms", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "csl.commands.norms", module)
    spec.loader.exec_module(module)
    monkeypatch.setitem(COMMANDS, "norms", Command("norms", "say how long features are"))
    np.savez(tmp_path / "features.npz", features=np.array([[3.0, 4.0], [0.0, 1.0]]))
    found = json.loads(csl(tmp_path, "norms", "features.npz", "--json", "-"))
    assert (found["shortest"], found["mean"], found["longest"]) == (1.0, 3.0, 5.0)
    assert "the features, in any format that csl analyze reads" in csl(tmp_path, "norms", "--help")


@pytest.mark.parametrize("name", ["BarlowTwins", "WMSE", "SimDINO", "SpectralContrastive", "MMCR"])
def test_the_package_names_a_method_in_its_file_and_its_export_alone(name: str) -> None:
    root = CONTRIBUTING.parent / "csl"
    files = [file.relative_to(root) for file in root.rglob("*.py") if re.search(rf"\b{name}\b", file.read_text())]
    assert [str(file.parent) for file in files if file.parent.name != "losses"] == ["methods"] * 2, files


def test_it_counts_the_files_that_a_part_costs() -> None:
    text = CONTRIBUTING.read_text()
    for part in ("method", "encoder", "probe", "image source", "command"):
        assert f"| {part} | 3: " in text
    assert "| measure | 6: " in text
