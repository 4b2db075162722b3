"""A function with a docstring is a command."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from csl.checks import check_share
from csl.commands.bar import Bar
from csl.commands.console import command
from csl.commands.device import Device
from csl.commands.signatures import parser_of


class Found(dict[str, Any]):
    def to_json(self) -> Mapping[str, Any]:
        return self


def count(
    runs: Sequence[Path],
    *,
    labels_file: Path | None = None,
    ks: Sequence[int] = (1, 10),
    share: float = 0.5,
    form: Literal["md", "csv"] = "md",
    fast: bool = False,
    device: Device,
    bar: Bar,
) -> Found:
    """Count what runs hold.

    Each is read once.

    Args:
        runs: folders of runs, 100 % of them
        labels_file: labels
        ks: numbers of neighbours
        share: a share
        form: how to print
        fast: skip the rest

    Examples:
        csl count RUN --ks 5
    """
    check_share(labels_file=share)
    with bar as watch:
        watch("counting", 1.0)
    return Found(runs=len(runs), ks=list(ks), form=form, fast=fast, device=device)


run = command(count, more=lambda: "The end of the page")


def stopped(capsys: pytest.CaptureFixture[str], *line: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as stop:
        run("count", line)
    return int(stop.value.code or 0), capsys.readouterr().err


def test_parameters_become_arguments_options_flags_and_choices(capsys: pytest.CaptureFixture[str]) -> None:
    run("count", ["a", "b", "--ks", "3", "4", "--form", "csv", "--fast", "--device", "cpu"])
    assert eval(capsys.readouterr().out) == {
        "runs": 2,
        "ks": [3, 4],
        "form": "csv",
        "fast": True,
        "device": "cpu",
    }


def test_json_names_the_files_it_was_made_from(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    run("count", ["a", "--labels-file", "y.npy", "--json", "-", "--device", "cpu"])
    content = json.loads(capsys.readouterr().out)
    assert list(content)[:2] == ["runs", "labels_file"]
    assert content["labels_file"] == "y.npy"
    run("count", ["a", "--json", str(tmp_path / "a.json"), "--device", "cpu", "--quiet"])
    assert json.loads((tmp_path / "a.json").read_text())["labels_file"] is None
    assert capsys.readouterr().out, "the screen keeps its table"


def test_the_help_page_is_the_docstring(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("count", ["--help"])
    page = " ".join(capsys.readouterr().out.split())
    for words in (
        "usage: csl count [-h]",
        "RUN [RUN ...]",
        "Count what runs hold. Each is read once.",
        "folders of runs, 100 % of them",
        "--ks N [N ...] numbers of neighbours (default: 1 10)",
        "--form {md,csv} how to print (default: md)",
        "--labels-file FILE labels",
        "--device NAME where to compute",
        "--quiet no progress bar",
        "Examples csl count RUN --ks 5",
        "The end of the page",
    ):
        assert words in page


@pytest.mark.parametrize(
    ("line", "status", "message"),
    [
        ([], 2, "csl count: error: the following arguments are required: RUN\n"),
        (["a", "b", "--formm", "md"], 2, "csl count: error: unknown option --formm; did you mean --form?\n"),
        (["a", "--ks", "--fast"], 2, "csl count: error: argument --ks: expected at least one argument\n"),
        (["a", "--share", "x"], 2, "csl count: error: argument --share: invalid float value: 'x'\n"),
        (["a", "--json", "no/a.json"], 1, "csl count: error: --json: no folder no\n"),
        (["a", "--share", "2"], 1, "csl count: error: --labels-file: expected a number from 0 to 1, got 2.0\n"),
    ],
)
def test_a_wrong_line_has_status_2_and_refused_work_1(
    capsys: pytest.CaptureFixture[str], line: list[str], status: int, message: str
) -> None:
    code, text = stopped(capsys, *line)
    assert code == status
    assert text == message + ("(CSL_TRACEBACK=1 shows where it was raised)\n" if status == 1 else "")


def test_the_traceback_is_there_for_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSL_TRACEBACK", "1")
    with pytest.raises(ValueError, match="--labels-file: expected a number"):
        run("count", ["a", "--share", "2", "--device", "cpu"])


def test_errors_of_others_keep_their_traceback() -> None:
    def fails(*, x: int = 0) -> None:
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        command(fails)("fails", [])


def test_a_type_that_no_option_has_is_an_error_of_the_author() -> None:
    def wrong(*, x: complex = 0j) -> None: ...

    with pytest.raises(TypeError, match="x: expected a type of Path, int, float, str"):
        parser_of("wrong", wrong)


def loaded(folder: Path, *line: str) -> set[str]:
    """Modules that a command has loaded when it ends."""
    program = (
        "import sys, atexit\n"
        "atexit.register(lambda: print(*sys.modules, file=open('modules', 'w')))\n"
        "from csl.cli import main\n"
        f"main({list(line)!r})\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, check=False)
    return set((folder / "modules").read_text().split())


def test_commands_load_what_they_need(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.eye(4, dtype="float32"))
    assert not {"torch", "jsonargparse", "numpy"} & loaded(tmp_path, "--help")
    assert not {"torch", "numpy"} & loaded(tmp_path, "analyze", "x.npy", "--labelz", "y")
    modules = loaded(tmp_path, "analyze", "x.npy", "--metrics", "rankme")
    assert "torch" in modules
    assert not {"lightning", "torchmetrics", "jsonargparse"} & modules


def test_python_dash_m_is_the_same_program(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "csl", "analyze", "none.npy"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("csl analyze: error: none.npy: no such file")
