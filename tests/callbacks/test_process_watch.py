"""One of two processes fails or dies: both end within seconds, and both say why."""

import multiprocessing
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest

from csl.callbacks import ProcessWatch, process_watch
from csl.callbacks.process_watch import _is_alive
from tests.callbacks.toy import ToyData, ToyMethod, toy_trainer


class Fate(pl.Callback):
    """What happens to each process in its third step: "fail", "die", "hang", or nothing out of the ordinary."""

    def __init__(self, fates: tuple[str, str]) -> None:
        self.fates = fates

    def on_train_batch_start(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step == 2:
            fate = self.fates[trainer.global_rank]
            if fate == "fail":
                raise ValueError("image 7 cannot be decoded")
            if fate == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            if fate == "hang":
                time.sleep(300)


def process(rank: int, port: int, folder: Path, fates: tuple[str, str]) -> None:
    """One of two processes of a run, which look often and wait little, with its standard error in a file."""
    process_watch._PERIOD, process_watch._GRACE = 0.5, 1.0
    log = os.open(folder / f"{rank}.txt", os.O_WRONLY | os.O_CREAT)
    os.dup2(log, 2)
    sys.stderr = os.fdopen(log, "w")
    ranks = {"LOCAL_RANK": rank, "RANK": rank, "NODE_RANK": 0, "WORLD_SIZE": 2, "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in ranks.items()} | {"MASTER_ADDR": "127.0.0.1"})
    trainer = toy_trainer(
        folder, [Fate(fates), ProcessWatch()], devices=2, strategy="ddp", use_distributed_sampler=True
    )
    trainer.fit(ToyMethod(), ToyData())


def run(folder: Path, fates: tuple[str, str]) -> tuple[list[int], list[str], float]:
    """Exit codes, what was said, and how many seconds it took."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Everything is imported once, in a process that has computed nothing: autograd's threads survive no fork.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    processes = [context.Process(target=process, args=(rank, port, folder, fates)) for rank in range(2)]
    start = time.monotonic()
    for started in processes:
        started.start()
    try:
        for started in processes:
            started.join(timeout=60)
        codes = [started.exitcode for started in processes]
    finally:
        for started in processes:
            started.kill()
    assert None not in codes, f"still running after a minute: {codes}"
    said = [(folder / f"{rank}.txt").read_text() for rank in range(2)]
    return [int(code or 0) for code in codes], said, time.monotonic() - start


def test_a_run_in_which_nobody_fails_ends_well(tmp_path: Path) -> None:
    codes, said, _ = run(tmp_path, ("", ""))
    assert codes == [0, 0], said
    assert not any("csl:" in text for text in said)


@pytest.mark.parametrize("other", ["", "hang"], ids=["waiting", "hanging"])
@pytest.mark.parametrize("failing", [0, 1])
def test_a_failure_is_the_reason_of_both(tmp_path: Path, failing: int, other: str) -> None:
    fates = ("fail", other) if failing == 0 else (other, "fail")
    codes, said, seconds = run(tmp_path, fates)
    assert codes == [1, 1], said
    assert all("ValueError: image 7 cannot be decoded" in text for text in said), said
    assert f"process {failing} has ended the run: ValueError: image 7" in said[1 - failing]
    assert seconds < 30


@pytest.mark.parametrize("other", ["", "hang"], ids=["waiting", "hanging"])
@pytest.mark.parametrize("dying", [0, 1])
def test_a_death_is_noticed_by_the_other(tmp_path: Path, dying: int, other: str) -> None:
    fates = ("die", other) if dying == 0 else (other, "die")
    codes, said, seconds = run(tmp_path, fates)
    assert codes[dying] == -signal.SIGKILL
    assert codes[1 - dying] == 1
    assert f"process {dying} has died without a word" in said[1 - dying]
    assert seconds < 30


def test_a_process_of_another_machine_is_given_up_after_a_silence() -> None:
    watch = ProcessWatch()
    assert not any(watch._is_silent(1, str(look)) for look in range(100))
    assert [watch._is_silent(1, "99") for _ in range(21)].index(True) == 19


def test_the_living_and_the_dead_are_told_apart() -> None:
    assert _is_alive(os.getpid())
    child = multiprocessing.get_context("fork").Process(target=int)
    child.start()
    assert child.pid is not None
    for _ in range(100):
        if not _is_alive(child.pid):
            break
        time.sleep(0.05)
    assert not _is_alive(child.pid), "a child that has ended counts as dead before its parent has noticed"
    child.join()
    assert not _is_alive(child.pid)
