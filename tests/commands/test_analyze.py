import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from csl.cli import COMMANDS, help_text
from csl.commands.bar import Bar
from csl.io import save_features
from csl.metrics import analyze
from csl.probes import fit_probes
from csl.types import Features
from tests.commands.runs import csl, failure
from tests.metrics.reference import data

X, Y = data(60)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_features(tmp_path / "features.npz", Features(X, Y, torch.arange(60)))
    np.save(tmp_path / "clip.npy", X.numpy())
    np.save(tmp_path / "classes.npy", Y.numpy())
    np.savez(tmp_path / "both.npz", image=X.numpy(), text=X.numpy()[::-1], kind=Y.numpy())
    return tmp_path


def test_a_file_of_predict_gives_the_table_that_python_gives(folder: Path) -> None:
    printed = csl(folder, "analyze", "features.npz").splitlines()
    expected = str(analyze(X, Y)).splitlines()
    assert [line.split()[:2] for line in printed] == [line.split()[:2] for line in expected]


def test_labels_measures_temperatures_and_ks_from_the_line(folder: Path) -> None:
    words = "analyze clip.npy --labels classes.npy --metrics rld neighbor_agreement --temperatures 0.5 --ks 3 --json -"
    content = json.loads(csl(folder, *words.split()))
    expected = analyze(X, Y, metrics=["rld", "neighbor_agreement"], temperatures=[0.5], ks=[3])
    assert content["values"] == pytest.approx(dict(expected))
    assert sorted(content["values"]) == ["neighbor_agreement_3", "rld_0.5"]
    assert (content["file"], content["samples"], content["classes"]) == ("clip.npy", 60, 5)


def test_features_are_normalised_unless_told_otherwise(folder: Path) -> None:
    words = ["analyze", "features.npz", "--metrics", "calinski_harabasz", "--json", "-"]
    for choice, normalize in {"true": True, "false": False}.items():
        content = json.loads(csl(folder, *words, "--normalize", choice))
        assert content["normalize"] is normalize
        expected = analyze(X, Y, metrics=["calinski_harabasz"], normalize=normalize)
        assert content["values"] == pytest.approx(dict(expected))
    page = csl(folder, "analyze", "--help")
    assert "--normalize {true,false}" in page
    assert "false for features as they are" in " ".join(page.split())
    assert failure(folder, *words[:2], "--normalize", "maybe")[0] == 2


def test_json_goes_to_a_file_beside_the_table(folder: Path) -> None:
    printed = csl(folder, "analyze", "clip.npy", "--metrics", "rankme", "--json", "out.json")
    assert "rankme" in printed
    content = json.loads((folder / "out.json").read_text())
    assert content["labels"] is None
    assert content["values"]["rankme"] == pytest.approx(analyze(X, metrics=["rankme"])["rankme"])
    assert list(content["seconds"]) == ["rankme"]


def test_arrays_of_any_name_are_chosen_by_key(folder: Path) -> None:
    printed = csl(folder, "analyze", "both.npz", "--features-key=text", "--labels-key", "kind", "--metrics", "rankme")
    assert printed.startswith("60 samples of 8 dimensions, 5 classes")


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["nowhere.npz"], 1, "nowhere.npz: no such file"),
        (["both.npz"], 1, "image [60, 8] float32, text [60, 8] float32; choose with --features-key"),
        (["clip.npy", "--metrics", "rdl"], 1, "--metrics: expected a measure, got 'rdl'; did you mean rld?"),
        (
            ["clip.npy", "--metrics", "rld"],
            1,
            "--metrics: expected measures that need no labels, for there are none, got rld",
        ),
        (["clip.npy", "--metric", "rld", "--json"], 2, "--json: expected one argument"),
        (["clip.npy", "--temperature=1", "--labelz", "a"], 2, "unknown option --labelz; did you mean --labels?"),
        (["clip.npy", "--ks", "x"], 2, "argument --ks: invalid int value: 'x'"),
        (["clip.npy", "--json", "no/where.json"], 1, "--json: no folder no"),
        (["clip.npy", "--device", "gpu"], 1, "--device: no device 'gpu' on this machine; cpu is on every one"),
        ([], 2, "the following arguments are required: FILE"),
    ],
)
def test_errors_name_the_thing_and_what_to_do(folder: Path, words: list[str], status: int, message: str) -> None:
    code, text = failure(folder, "analyze", *words)
    assert code == status
    assert text.startswith("csl analyze: error: ")
    assert message in text


def test_bad_rows_are_counted(folder: Path) -> None:
    rows = X.clone()
    rows[4] = torch.nan
    np.save(folder / "bad.npy", rows.numpy())
    assert "NaN or infinity in 1 of 60 rows, the first of them row 4" in failure(folder, "analyze", "bad.npy")[1]


def test_rows_without_a_label_are_not_dropped_in_silence(folder: Path) -> None:
    np.savez(folder / "half.npz", features=X.numpy(), labels=np.where(Y.numpy() == 2, -1, Y.numpy()))
    text = failure(folder, "analyze", "half.npz")[1]
    assert (
        "labels: expected a class for every sample, got -1 (unlabelled) for 12 of 60 samples; leave these rows out"
        in text
    )
    assert "rankme" in csl(folder, "analyze", "half.npz", "--metrics", "rankme")


def test_the_help_lists_the_command_its_formats_and_every_measure(folder: Path) -> None:
    from csl.metrics.measures import MEASURES

    assert "analyze" in COMMANDS
    assert "csl analyze features.npz" in help_text()
    page = csl(folder, "analyze", "--help")
    for word in (".safetensors", ".parquet", "--features-key", "From Python", *MEASURES):
        assert word in page


def test_the_bar_shows_the_measure_and_the_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    bar = Bar(visible=True)
    bar._bar.delay = 0
    with bar as watch:
        watch("rld", 0.25)
        bar._bar.refresh()
        assert bar._bar.n == 0.25
    shown = capsys.readouterr().err
    assert "rld" in shown
    assert "25%" in shown
    assert "left" in shown


def test_a_test_file_gets_every_probe(folder: Path) -> None:
    words = np.array(["ant", "bee", "cat", "dog", "eel"])
    np.savez(folder / "train.npz", features=X.numpy(), labels=words[Y.numpy()])
    shown = Y < 4  # one class is missing, so that its words have other numbers there
    np.savez(folder / "test.npz", features=X.numpy()[shown], labels=words[Y.numpy()][shown])
    line = "analyze", "train.npz", "--test", "test.npz", "--metrics", "rankme", "--normalize", "false"
    content = json.loads(csl(folder, *line, "--json", "-"))
    labels = Y[shown]
    for name, found in fit_probes((X, Y), (X[shown], labels)).items():
        assert content["probes"][name]["accuracy"] == pytest.approx(found.val_accuracy), name
    assert set(content["probes"]) == {"linear", "knn", "gcn", "label_propagation"}
    assert content["samples"] == len(labels)
    text = csl(folder, *line)
    assert [row for row in text.splitlines() if row.startswith("  label_propagation")]


@pytest.mark.parametrize(
    ("labels", "columns", "said"),
    [
        (None, 8, "--test: expected labels in both files, got none in test.npz"),
        (["fox"] * 60, 8, "--test: expected labels of one kind, got words in one file and numbers in the other"),
        ([9] * 60, 8, "--test: expected classes of FILE, got others, such as '9'"),
        ([0] * 60, 3, "--test: expected 8 dimensions as in FILE, got 3"),
    ],
)
def test_a_test_file_that_does_not_fit(folder: Path, labels: list[object] | None, columns: int, said: str) -> None:
    more: dict[str, Any] = {} if labels is None else {"labels": np.array(labels)}
    np.savez(folder / "test.npz", features=X.numpy()[:, :columns], **more)
    status, message = failure(folder, "analyze", "features.npz", "--test", "test.npz", "--metrics", "rankme")
    assert status == 1
    assert said in message


def test_a_reader_that_has_seen_enough_gets_no_error(folder: Path) -> None:
    np.savez(folder / "few.npz", features=X.numpy())
    program = f"{sys.executable} -m csl analyze few.npz --metrics rankme --quiet | true"
    found = subprocess.run(["bash", "-o", "pipefail", "-c", program], cwd=folder, capture_output=True, text=True)
    assert found.stderr == ""
