"""Running `csl` inside the test process, small enough for two cores."""

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from csl.cli import main

SMALL_TRAINER = ["--trainer.enable_progress_bar", "false", "--trainer.enable_model_summary", "false"]
SMALL_MODEL = ["--model.encoder.width", "2"]
SMALL_HEADS = ["--model.hidden_dim", "16", "--model.output_dim", "8"]
SMALL = [*SMALL_TRAINER, *SMALL_MODEL, *SMALL_HEADS]


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Work in a folder."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def csl(folder: Path, *line: str) -> str:
    """What a command prints to standard output, run in a folder."""
    out = io.StringIO()
    with inside(folder), contextlib.redirect_stdout(out):
        try:
            main(line)
        except SystemExit as stop:  # help and --print_config end the program
            if stop.code:
                raise
    return out.getvalue()


def failure(folder: Path, *line: str) -> tuple[int, str]:
    """The status and the error message of a command that must fail."""
    err = io.StringIO()
    with inside(folder), contextlib.redirect_stderr(err):
        try:
            main(line)
        except SystemExit as stop:
            return int(stop.code or 0), err.getvalue()
    raise AssertionError(f"csl {' '.join(line)} did not fail")


def events(run: Path) -> EventAccumulator:
    """Everything TensorBoard would show of a run."""
    accumulator = EventAccumulator(str(run), size_guidance={"scalars": 0, "images": 0})
    accumulator.Reload()
    return accumulator


def curve(run: Path, name: str) -> dict[int, Any]:
    """A scalar by step; a step that is logged twice fails."""
    points = events(run).Scalars(name)
    steps = {point.step: point.value for point in points}
    assert len(steps) == len(points), f"{name} holds a step twice: {[point.step for point in points]}"
    return steps


def curves(run: Path) -> dict[str, dict[int, Any]]:
    """All scalars by name and step but the seconds that measuring took, which no two runs share.

    Lightning itself writes "epoch" with every group of scalars, so twice where a step and a pass share their step.
    """
    names = events(run).Tags()["scalars"]
    return {name: curve(run, name) for name in names if name != "epoch" and not name.startswith("wall_seconds/")}


def comparable(tree: Any) -> Any:
    """A checkpoint's content with numbers in place of words, which `torch.testing.assert_close` does not compare."""
    if isinstance(tree, dict):
        return {key: comparable(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [comparable(value) for value in tree]
    return hash(tree) if isinstance(tree, str) else tree
