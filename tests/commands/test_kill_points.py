"""A run that is killed anywhere and resumed is, bit for bit, the run that was not.

`CSL_KILL_POINTS=1000` tries every instant instead of eight for each method (and seven signals beside them).
"""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from csl.runs import LAST
from tests.commands.kills import (
    STEPS,
    Camera,
    Signal,
    assert_same,
    chosen,
    fit,
    outcome,
    photographed,
    stop,
)
from tests.methods.toy import METHODS

KILL_POINTS = int(os.environ.get("CSL_KILL_POINTS", 8))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """By method: a run that nothing stopped, photographed, and what it came to."""
    runs: dict[str, tuple[Camera, dict[str, Any]]] = {}

    def get(method: str) -> tuple[Camera, dict[str, Any]]:
        if method not in runs:
            folder = tmp_path_factory.mktemp(method)
            camera = photographed(folder / "version_0", method, folder / "album")
            runs[method] = camera, outcome(camera.run)
        return runs[method]

    return get


@pytest.mark.parametrize("method", METHODS)
def test_killed_at_any_instant(method: str, whole: Any) -> None:
    camera, expected = whole(method)
    assert expected["curves"]["train/loss"].keys() == set(range(STEPS))
    numbers = chosen(camera, KILL_POINTS, seed=list(METHODS).index(method))
    for number in numbers:
        fit(camera.copy(number), method)
        try:
            assert_same(outcome(camera.copy(number)), expected)
        except AssertionError as error:
            raise AssertionError(f"killed at {camera.instants[number]}: {error}") from error
    print(f"{method}: {len(numbers)} of {len(camera.instants)} instants")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize("method", METHODS)
def test_stopped_by_signals_in_the_middle_and_at_the_ends_of_epochs(
    method: str, number: signal.Signals, tmp_path: Path, whole: Any
) -> None:
    run = tmp_path / "version_0"
    for step in (0, 4, 5, 6) if number == signal.SIGTERM else (2, 3, 7):
        stop(run, method, number, step)
    fit(run, method)
    assert_same(outcome(run), whole(method)[1])


def test_killed_while_it_stops_for_a_signal(tmp_path: Path, whole: Any) -> None:
    run, album = tmp_path / "version_0", tmp_path / "album"
    with pytest.raises(SystemExit):
        photographed(run, "SimCLR", album, Signal(signal.SIGTERM, 4))
    saved = [
        path for path in album.glob(f"*/version_0/{LAST}") if torch.load(path, weights_only=True)["global_step"] == 5
    ]
    first = min((path.parents[1] for path in saved), key=lambda path: int(path.parent.name))
    fit(first, "SimCLR")
    assert_same(outcome(first), whole("SimCLR")[1])


def test_a_torn_last_record_of_the_log_is_passed_over(tmp_path: Path, whole: Any) -> None:
    run = tmp_path / "version_0"
    stop(run, "SimCLR", signal.SIGTERM, 4)
    (log,) = run.glob("events.out.tfevents.*")
    log.write_bytes(log.read_bytes() + log.read_bytes()[-40:-9])
    fit(run, "SimCLR")
    assert_same(outcome(run), whole("SimCLR")[1])


def test_nothing_but_the_checkpoint_is_left_behind(tmp_path: Path) -> None:
    run = tmp_path / "version_0"
    stop(run, "SimCLR", signal.SIGINT, 4)
    (run / LAST).with_name("..last.ckpt.next.partial").write_bytes(b"what a killed process had written of the next one")
    fit(run, "SimCLR")
    assert sorted(path.name for path in (run / LAST).parent.iterdir()) == ["epoch_0002.ckpt", "last.ckpt"]
