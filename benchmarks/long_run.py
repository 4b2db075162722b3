"""Does a long run stay as it began? Memory, open files, processes and the size of the log, epoch by epoch.

    python -m benchmarks.long_run [--epochs 200] [--worker_epochs 40]

Two runs by the command itself: SimCLR on the digits with every monitor, and the same images as files that worker
processes decode in every epoch.
"""

import argparse
import ctypes
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from lightning.pytorch import Callback, LightningModule, Trainer
from PIL import Image

from benchmarks.machine import report
from benchmarks.method_rows import QUIET
from csl.cli import main as csl
from csl.data import Digits
from csl.runs import CHECKPOINTS
from csl.table import Table

MB = 1e6


class State(NamedTuple):
    """What a process holds at the end of an epoch.

    Attributes:
        memory: Resident memory, bytes.
        allocated: What the C library has handed out and not got back, bytes.
        files: Open file handles.
        threads: Threads of Python.
        children: Living child processes.
        log: The run's folder without its checkpoints, bytes.
    """

    memory: int
    allocated: int
    files: int
    threads: int
    children: int
    log: int


class Meter(Callback):
    """Notes the state of the process after every epoch."""

    states: list[State] = []  # noqa: RUF012 - of the class, since the command makes the object

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note it."""
        self.states.append(state(Path(str(trainer.log_dir))))


class MallocInfo(ctypes.Structure):
    """What glibc's `mallinfo2` returns."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    ]


def allocated() -> int:
    """Bytes that glibc's allocator has handed out; what it keeps for later, in pieces, is not among them."""
    mallinfo2 = ctypes.CDLL(None).mallinfo2
    mallinfo2.restype = MallocInfo
    found = mallinfo2()
    return int(found.uordblks + found.hblkhd)


def state(run: Path) -> State:
    """The state of this process, from Linux's `/proc` and its C library."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    children = sum(
        len(path.read_text().split()) for path in Path("/proc/self/task").glob("*/children") if path.is_file()
    )
    log = sum(file.stat().st_size for file in run.rglob("*") if file.is_file() and file.parent.name != CHECKPOINTS)
    return State(
        memory=pages * os.sysconf("SC_PAGESIZE"),
        allocated=allocated(),
        files=len(os.listdir("/proc/self/fd")),
        threads=threading.active_count(),
        children=children,
        log=log,
    )


def measure(line: list[str]) -> list[State]:
    """The states of a run of the command, one an epoch."""
    from benchmarks import long_run  # the command's copy of this module, where this one is the program

    long_run.Meter.states.clear()
    every_epoch = ["--trainer.check_val_every_n_epoch", "1", "--data.batch_size", "256"]
    csl(["fit", *QUIET, *every_epoch, *line, "--trainer.callbacks+", "benchmarks.long_run.Meter"])
    return list(long_run.Meter.states)


def write_digits(root: Path) -> None:
    """The digits as files, in folders of their classes."""
    splits = Digits().load()
    for part, images in (("train", splits.train), ("val", splits.val)):
        pixels, labels, *_ = images.__getitems__(range(len(images)))
        for row, (image, label) in enumerate(zip(pixels[0], labels.tolist(), strict=True)):
            folder = root / part / str(label)
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image[0].numpy()).convert("RGB").save(folder / f"{row}.png")


def table(states: list[State]) -> str:
    """A tenth of the epochs, and how memory went in the second half."""
    shown = sorted({*range(len(states) // 10 - 1, len(states), max(1, len(states) // 10)), 0, len(states) - 1})
    rows = [
        [
            str(epoch + 1),
            f"{s.memory / MB:,.0f}",
            f"{s.allocated / MB:,.0f}",
            str(s.files),
            str(s.threads),
            str(s.children),
            f"{s.log / MB:.2f}",
        ]
        for epoch, s in ((epoch, states[epoch]) for epoch in shown)
    ]
    half = states[len(states) // 2 :]
    resident, handed_out = [s.memory / MB for s in half], [s.allocated / MB for s in half]
    growth = (states[-1].log - states[0].log) / max(1, len(states) - 1) / 1e3
    header = ["epoch", "resident, MB", "allocated, MB", "open files", "threads", "child processes", "log, MB"]
    return (
        f"{Table(header, rows).markdown()}\n\nIn the second half resident memory is {course(resident)}; what the "
        f"allocator has handed out is {course(handed_out)}. The log grows by {growth:.1f} kB an epoch."
    )


def course(megabytes: list[float]) -> str:
    """Lowest and highest value, and the change by a line through all of them."""
    slope = float(np.polyfit(np.arange(len(megabytes)), megabytes, 1)[0]) * 100 if len(megabytes) > 1 else 0.0
    return f"{min(megabytes):,.0f} to {max(megabytes):,.0f} MB, {slope:+.1f} MB in 100 epochs by a line through them"


@contextmanager
def inside(folder: str) -> Iterator[None]:
    """Work in a folder, so that runs are written there."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=200, help="of the run with every monitor")
    parser.add_argument("--worker_epochs", type=int, default=40, help="of the run whose images are decoded by workers")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, inside(folder):
        monitored = measure(["--trainer.max_epochs", str(options.epochs)])
        write_digits(Path("images"))
        source = ["--data.source", "Folder", "--data.source.root", "images", "--model.encoder", "ConvNet"]
        source += ["--data.memory_budget", "0", "--data.num_workers", "2", "--trainer.max_epochs"]
        decoded = measure([*source, str(options.worker_epochs)])
    command = f"python -m benchmarks.long_run --epochs {options.epochs} --worker_epochs {options.worker_epochs}"
    body = (
        "SimCLR on the digits, all of `csl fit`'s monitors in every epoch, its figures in every fifth:\n\n"
        f"{table(monitored)}\n\n"
        "The same images as files, decoded by two workers for training and two for each evaluation set:\n\n"
        f"{table(decoded)}"
    )
    report("long_run", "A long run", command, body)


if __name__ == "__main__":
    main()
