import json
import subprocess
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import pytest
from torch import nn

from benchmarks import method_rows, methods
from benchmarks.method_rows import Experiment, Row
from benchmarks.plane import FAMILY_OF, points
from csl import encoders
from csl.runs import Run


def number_of_parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


SCALARS = {"val/rld_0.1": 0.5, "val/calinski_harabasz": 100.0, "val/knn_accuracy": 0.9}


@pytest.fixture
def experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Experiment:
    """One with two rows of SimCLR, of two machines, and one of BYOL."""
    monkeypatch.setattr(method_rows, "RESULTS", tmp_path)
    made = Experiment(Path("configs/mnist"), options=("--trainer.accelerator", "gpu"))
    made._keep(Row("SimCLR", 0, SCALARS, machine="here"))
    made._keep(Row("SimCLR", 1, SCALARS | {"val/calinski_harabasz": 200.0}, machine="there"))
    made._keep(Row("BYOL", 0, SCALARS, machine="here"))
    return made


def test_rows_are_kept_one_by_one_and_nothing_else_stays(experiment: Experiment) -> None:
    assert sorted(file.name for file in experiment.folder.iterdir()) == [
        "byol-seed0.json",
        "simclr-seed0.json",
        "simclr-seed1.json",
    ]
    assert json.loads((experiment.folder / "byol-seed0.json").read_text())["machine"] == "here"


def test_the_table_says_where_each_row_was_measured(experiment: Experiment) -> None:
    text = methods.table(experiment)
    assert "- here: BYOL, SimCLR (seed 0)." in text
    assert "- there: SimCLR (seed 1)." in text


def test_options_of_fit_go_to_every_run(experiment: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = []
    monkeypatch.setattr(method_rows, "train", lambda run, options, *line: lines.append(line))
    monkeypatch.setattr(Run, "record", {"legs": [{"seconds": None}, {"seconds": 60.0}], "precision": "32-true"})
    monkeypatch.setattr(Run, "last_scalars", lambda run: SCALARS)
    experiment.trained("NNCLR", 0)
    assert "--trainer.accelerator gpu --model NNCLR" in " ".join(lines[0])
    row = json.loads((experiment.folder / "nnclr-seed0.json").read_text())
    assert (row["scalars"]["minutes"], row["options"]) == (1.0, ["--trainer.accelerator", "gpu"])


@pytest.mark.parametrize("name", method_rows.ENCODERS.values())
def test_encoders_of_a_methods_own_are_about_as_small_as_the_common_one(name: str) -> None:
    common = number_of_parameters(encoders.ResNet(depth=10, width=16))
    own = number_of_parameters(getattr(encoders, name)(image_size=32, **method_rows.SIZES[name]))
    assert common / 4 < own < 4 * common


@pytest.mark.parametrize(
    ("configs", "sizes"), [("configs/digits", "depth=10 width=32"), ("configs/mnist", "depth=10 width=16")]
)
def test_a_row_names_the_encoder_that_its_method_needs(configs: str, sizes: str) -> None:
    words = " ".join(f"--model.encoder.{size}" for size in sizes.split())
    assert " ".join(Experiment(Path(configs))._encoder("CPC")) == f"--model.encoder PatchResNet {words}"
    assert Experiment(Path(configs))._encoder("BYOL") == ()


def test_the_table_says_which_rows_have_an_encoder_of_their_own(experiment: Experiment) -> None:
    assert methods.encoders({"SimCLR": experiment.rows()}) == ""
    experiment._keep(Row("CPC", 0, SCALARS, encoder=experiment._encoder("CPC")))
    assert "- CPC: `--model.encoder PatchResNet --model.encoder.depth=10" in methods.table(experiment)


@pytest.mark.parametrize(("status", "is_stopped"), [(1, False), (143, True), (-9, True)])
def test_a_rate_counts_as_0_where_training_breaks_off_not_where_it_is_stopped(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch, status: int, is_stopped: bool
) -> None:
    def train(run: Run, options: Sequence[str], *line: str) -> None:
        raise subprocess.CalledProcessError(status, line)

    monkeypatch.setattr(method_rows, "train", train)
    with pytest.raises(subprocess.CalledProcessError) if is_stopped else nullcontext():
        assert experiment._score("csl.methods.NNCLR", 0.1) == 0.0


@pytest.mark.parametrize("jobs", [1, 3])
def test_one_method_that_breaks_off_keeps_no_other_from_its_row(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    def train(self: Experiment, method: str, seed: int) -> None:
        if (method, seed) == ("MoCo", 1):
            raise RuntimeError("broke off")
        self._keep(Row(method, seed, SCALARS, machine="here"))

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(Experiment, "trained", train)
    monkeypatch.setattr(methods, "write", lambda experiment: None)
    assert methods.trained(experiment, ["DCL", "MoCo", "NNCLR"], seeds=2, jobs=jobs) == ["MoCo"]
    kept = {(row.name, row.seed) for row in experiment.rows() if row.name not in ("SimCLR", "BYOL")}
    assert kept == {("DCL", 0), ("DCL", 1), ("MoCo", 0), ("NNCLR", 0), ("NNCLR", 1)}


def test_the_plane_has_the_mean_over_seeds(experiment: Experiment) -> None:
    assert points(experiment) == {"SimCLR": (0.5, 150.0), "BYOL": (0.5, 100.0)}


def test_every_method_is_of_a_family() -> None:
    assert set(methods.every_method()) <= FAMILY_OF.keys()


def test_an_interrupted_run_goes_on_with_the_options_that_its_row_names(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[tuple[str, ...]] = []
    monkeypatch.setattr(method_rows, "command", lambda *line: lines.append(line))
    run = Run(tmp_path / "run")
    run.folder.mkdir()
    (run.folder / "config.yaml").write_text("{}")
    method_rows.train(run, ("--trainer.precision", "32-true"), "--model", "BYOL")
    assert lines == [("fit", "--resume", str(run.folder), "--trainer.precision", "32-true")]
