"""Every kept checkpoint of a run, measured."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from csl.runs import Checkpoint, Run
from csl.study.encoding import Bench
from csl.study.foreign import checkpoints_in
from csl.study.log import write_log
from csl.study.panel import monitors
from csl.study.rows import FOLDER, Row, read_row, write_row


@dataclass(frozen=True)
class Swept:
    """A run whose checkpoints were measured.

    Attributes:
        name: What tables and pictures call it.
        folder: Where the measurements are kept.
        rows: One row for each checkpoint, by epoch.
        faults: What is wrong with the checkpoints that were passed over.
    """

    name: str
    folder: Path
    rows: Sequence[Row]
    faults: Sequence[str] = field(default=())

    @property
    def names(self) -> list[str]:
        """Everything that was measured of some checkpoint."""
        return list(dict.fromkeys(name for row in self.rows for name in row.values))


def sweep(
    run: Run,
    name: str,
    device: str = "cpu",
    watch: Callable[[str, float], None] | None = None,
    like: Run | None = None,
) -> Swept:
    """Measure every kept checkpoint of a run, and write what was measured into the folder `sweep` of the run.

    A checkpoint that was measured before, by the same version, is not measured again. What cannot be measured is passed
    over and named, so that others are: a checkpoint that cannot be read, and a run without a checkpoint or that cannot
    be built again.

    Args:
        run: The run.
        name: What it is called.
        device: Where to compute.
        watch: Called with what is being done and the share of the checkpoints that are done.
        like: For a folder of checkpoints of another project: a run with such an encoder, on whose images they are
            measured.
    """
    folder = run.folder / FOLDER
    try:
        checkpoints, faults = readable(run) if like is None else (checkpoints_in(run.folder), [])
        if not checkpoints and not faults:
            raise ValueError(f"{run.folder}: expected checkpoints, got none; a run that was trained has last.ckpt")
        rows, missed = measured_rows(run, checkpoints, name, device, watch, like)
    except ValueError as error:
        return Swept(name, folder, [], [str(error)])
    if rows:
        write_log(folder, rows)
    return Swept(name, folder, rows, [*faults, *missed])


def measured_rows(
    run: Run,
    checkpoints: Sequence[Checkpoint],
    name: str,
    device: str = "cpu",
    watch: Callable[[str, float], None] | None = None,
    like: Run | None = None,
) -> tuple[list[Row], list[str]]:
    """What was measured of some checkpoints, now or earlier, and what is wrong with those that cannot be measured."""
    rows: list[Row] = []
    faults = []
    on = None if like is None else like.folder
    bench: Bench | None = None
    for done, checkpoint in enumerate(checkpoints):
        if watch is not None:
            watch(f"{name}, epoch {checkpoint.epoch}", done / len(checkpoints))
        row = read_row(run.folder / FOLDER, checkpoint.path, on)
        if row is None:
            bench = bench or Bench(like or run, monitors(), device, foreign=like is not None)
            try:
                row = _measured(bench, checkpoint)
            except ValueError as error:
                faults.append(str(error))
                continue
            write_row(run.folder / FOLDER, checkpoint.path, row, on)
        rows.append(row)
    return rows, faults


def readable(run: Run) -> tuple[list[Checkpoint], list[str]]:
    """The checkpoints of a run, one for each step, and what is wrong with the others."""
    found: dict[int, Checkpoint] = {}
    faults = []
    for file in run.checkpoint_files:
        try:
            checkpoint = Checkpoint.read(file)
        except ValueError as error:
            faults.append(str(error))
        else:
            found.setdefault(checkpoint.step, checkpoint)
    return [found[step] for step in sorted(found)], faults


def _measured(bench: Bench, checkpoint: Checkpoint) -> Row:
    start = time.perf_counter()
    values = bench.measured(checkpoint.path)
    kept = {name: value for name, value in values.items() if not name.startswith("wall_seconds/")}
    seconds = round(time.perf_counter() - start, 1)
    return Row(checkpoint.path.name, checkpoint.epoch, checkpoint.step, kept, seconds)
