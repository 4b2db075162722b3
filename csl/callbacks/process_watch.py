"""When one of several processes dies, all of them end, and say why."""

import os
import socket
import sys
import threading
import time
from pathlib import Path

from lightning.pytorch import Callback, LightningModule, Trainer

from csl.distributed import NoticeBoard, barrier, rank, size, world

_PERIOD = 2.0  # seconds between looks
_GRACE = 5.0  # seconds in which a process that waits in a collective may end by an error of its own
_SILENCE = 20  # looks without a sign of life from another machine


class ProcessFailure(RuntimeError):
    """Another process of the run has failed."""


class ProcessWatch(Callback):
    """Ends this process when another one of the run has failed or died, instead of waiting for it in vain.

    A process that fails posts its reason. The others look every two seconds, in a thread, since they may be waiting in
    a collective operation that nothing interrupts: they print the reason and end within seconds, or within a minute
    where the process that died was on another machine. Without effect on a single process.

    Raises:
        ProcessFailure: In place of the error that a collective operation raises once its other end is gone.
    """

    def __init__(self) -> None:
        self._board: NoticeBoard | None = None
        self._ended: threading.Event | None = None  # made in `setup`: it cannot be sent to processes that are spawned
        self._rank, self._others = 0, range(0)
        self._homes: dict[int, str] = {}
        self._beats: dict[int, tuple[str, int]] = {}
        self._looks = 0

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Begin to watch."""
        group = world()
        if group is None or self._board is not None:
            return
        self._rank, self._others = rank(group), range(size(group))
        self._board = NoticeBoard()
        self._board.post(f"home/{self._rank}", f"{socket.gethostname()} {os.getpid()}")
        self._ended = threading.Event()
        threading.Thread(target=self._watch, args=(self._board, self._ended), daemon=True, name="process-watch").start()

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Stop watching once all have got here: whoever leaves first has not died."""
        if self._board is not None:
            barrier(world())
            self._stop()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Post the reason; where this is but the echo of another process's failure, say that instead."""
        board = self._board
        if board is None:
            return
        # What a collective raises is a bare `RuntimeError`; the other's reason may be a moment on its way.
        if type(exception).__module__ == "builtins" and isinstance(exception, RuntimeError):
            for _ in range(3):
                if reason := self._failure_of_another(board):
                    self._stop()
                    raise ProcessFailure(reason) from exception
                time.sleep(1)
        self._stop()
        try:
            board.post(f"failed/{self._rank}", f"{type(exception).__name__}: {exception}".rstrip(": "))
        except ConnectionError:
            return
        if self._rank == 0:  # the board goes with the first process
            threading.Event().wait(1.5 * _PERIOD)

    def _stop(self) -> None:
        self._board = None
        if self._ended is not None:
            self._ended.set()

    def _watch(self, board: NoticeBoard, ended: threading.Event) -> None:
        while not ended.wait(_PERIOD):
            if reason := self._failure_of_another(board):
                print(f"csl: {reason}. Process {self._rank} ends, too.", file=sys.stderr, flush=True)
                if not ended.wait(_GRACE):
                    os._exit(1)

    def _failure_of_another(self, board: NoticeBoard) -> str:
        """Why another process has ended, or nothing."""
        self._looks += 1
        try:
            for other in self._others:
                if other != self._rank and (reason := self._failure_of(other, board)):
                    return reason
            board.post(f"beat/{self._rank}", str(self._looks))
        except ConnectionError:
            return "process 0 has died without a word"
        return ""

    def _failure_of(self, other: int, board: NoticeBoard) -> str:
        # Kept, because the board is lost with the first process, and asking for it then is loud.
        home = self._homes.get(other) or board.read(f"home/{other}")
        self._homes[other] = home
        host, _, number = home.partition(" ")
        died = f"process {other} has died without a word (killed, perhaps for want of memory)"
        if other == 0 and host == socket.gethostname() and not _is_alive(int(number)):
            return died
        if note := board.read(f"failed/{other}"):
            return f"process {other} has ended the run: {note}"
        if not host:  # it is still on its way
            return ""
        if host == socket.gethostname():
            return "" if _is_alive(int(number)) else died
        return died if self._is_silent(other, board.read(f"beat/{other}")) else ""

    def _is_silent(self, other: int, beat: str) -> bool:
        """Whether a process on another machine has given no sign of life in the last looks."""
        last, looks = self._beats.get(other, ("", 0))
        self._beats[other] = (beat, looks + 1 if beat == last else 0)
        return self._beats[other][1] >= _SILENCE


def _is_alive(number: int) -> bool:
    """Whether a process of this machine runs; one that has ended may wait for its parent to notice."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    status = Path(f"/proc/{number}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return not Path("/proc/self").exists()  # a system without /proc; else the process has just gone
