"""Watching changes nothing: for every method, with every monitor on, on one process and on two."""

from pathlib import Path

import pytest
import torch

from csl.callbacks import HeldOutLoss
from tests.methods.toy import METHODS
from tests.promises.processes import Tensors, as_a_rank, method_and_data, trainer
from tests.promises.watching import MONITORS
from tests.two_processes import TwoProcesses


def trained(name: str, monitors: str) -> Tensors:
    """The weights two steps after the monitors looked."""
    method, data = method_and_data(name, dropout=0.2)
    possible = MONITORS[monitors]()
    callbacks = [one for one in possible if METHODS[name].has_held_out_loss or not isinstance(one, HeldOutLoss)]
    trainer(*callbacks, max_steps=5, limit_val_batches=1.0 if callbacks else 0).fit(method, data)
    return {key: value.clone() for key, value in method.state_dict().items()}


def trained_as_a_rank(name: str) -> dict[str, Tensors]:
    return {monitors: as_a_rank(trained, name, monitors) for monitors in MONITORS}


def assert_watching_changes_nothing(weights: dict[str, Tensors]) -> None:
    for monitors in ("everything", "others"):
        torch.testing.assert_close(weights[monitors], weights["none"], rtol=0, atol=0)


pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.mark.full
@pytest.mark.parametrize("name", METHODS)
def test_watching_changes_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert_watching_changes_nothing({monitors: trained(name, monitors) for monitors in MONITORS})


@pytest.mark.full
@pytest.mark.parametrize("name", METHODS)
def test_watching_changes_nothing_on_two_processes(two_processes: TwoProcesses, name: str) -> None:
    first, second = two_processes(trained_as_a_rank, name)
    assert_watching_changes_nothing(first)
    torch.testing.assert_close(first, second, rtol=0, atol=0)
