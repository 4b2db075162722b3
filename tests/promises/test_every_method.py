"""Every method that the package exports keeps every promise, in one short case; the other files try each in full."""

import signal
from pathlib import Path

import pytest
import torch

from csl.callbacks import ClassAffinityMap, CollapseAlarm, FeatureMap, ProbeMonitor
from tests.methods.toy import METHODS
from tests.promises.kills import assert_same, fit, outcome, stop
from tests.promises.processes import as_a_rank, one_step
from tests.promises.test_compilation import compiled_and_plain
from tests.promises.test_half_precision import trained_in_bfloat16
from tests.promises.waits import steps_that_wait
from tests.promises.watching import Careless
from tests.two_processes import TwoProcesses

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.mark.parametrize("name", METHODS)
def test_it_keeps_every_promise(
    name: str, two_processes: TwoProcesses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _watched_stopped_and_resumed_it_is_the_run_that_was_not(name, tmp_path)
    _two_processes_take_the_step_of_one(name, two_processes)
    assert steps_that_wait(name, tmp_path) == {3, 6}, "it reads a value from the device in other than log steps"
    torch.testing.assert_close(*compiled_and_plain(name, max_steps=2), rtol=0, atol=0)
    trained_in_bfloat16(name)


def _watched_stopped_and_resumed_it_is_the_run_that_was_not(name: str, folder: Path) -> None:
    whole, resumed = folder / "whole" / "version_0", folder / "resumed" / "version_0"
    fit(whole, name)
    monitors = [ProbeMonitor(), FeatureMap(every_n=1), ClassAffinityMap(every_n=1), CollapseAlarm(), Careless()]
    stop(resumed, name, signal.SIGTERM, 4, *monitors)
    fit(resumed, name, *monitors)
    ours, theirs = outcome(resumed), outcome(whole)
    curves = {key: ours["curves"][key] for key in theirs["curves"]}
    assert_same(ours | {"curves": curves}, theirs)


def _two_processes_take_the_step_of_one(name: str, two_processes: TwoProcesses) -> None:
    expected = one_step(name)
    for step in two_processes(as_a_rank, one_step, name):
        torch.testing.assert_close(step, expected, rtol=1e-9, atol=1e-9)
