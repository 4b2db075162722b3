"""A training on CIFAR-10 on one GPU, which a second call goes on with, and the table of what it reached."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import report
from csl.runs import CONFIG, Run
from csl.table import Table

LOGS = "lightning_logs/gpu"
CONFIGURATION = Path(__file__).parents[1] / "csl/configs/cifar10/simclr.yaml"
QUIET = ("--trainer.enable_progress_bar", "false", "--trainer.enable_model_summary", "false")
# As the published figures that README names: grey probability 0.1, crops of area 0.2 to 1.
VIEWS = ("--data.augmentation.gray_probability", "0.1", "--data.augmentation.crop_area", "[0.2,1.0]")
TOY = (
    *(
        "--trainer.accelerator",
        "cpu",
        "--trainer.check_val_every_n_epoch",
        "1",
        "--trainer.callbacks",
        "[ProbeMonitor]",
    ),
    *("--data.batch_size", "8", "--model.encoder.depth", "10", "--model.encoder.width", "4"),
)
COLUMNS = (
    *("val/knn_accuracy", "val/linear_accuracy", "val/gcn_accuracy"),
    *("train/rld_1.0", "train/rld_0.1", "train/calinski_harabasz"),
)
GRACE = 20.0  # seconds in which a training that is asked to stop may write its checkpoint


def trained(method: str, epochs: int, images: str, is_toy: bool, options: Sequence[str], end: float) -> None:
    """Train until the epochs or the time are over, and write the table.

    Args:
        method: A class of `csl.methods`.
        epochs: All of them; a run that is there already goes on.
        images: The folder of images.
        is_toy: Whether to train something tiny on the CPU.
        options: More options of `csl fit`, such as another encoder.
        end: When to have ended, on `time.monotonic`'s clock.
    """
    encoder = options[list(options).index("--model.encoder") + 1] if "--model.encoder" in options else "ResNet"
    name = f"{method}-{encoder}".lower()
    run = Run(Path(LOGS) / name / "run")
    before, start = run.progress.epoch, time.monotonic()
    line = ["--resume", str(run.folder), "--trainer.max_epochs", str(epochs)]
    if not (run.folder / CONFIG).exists():
        line = [*begun(method, epochs, images, name), *(TOY if is_toy else ()), *options]
    stopped = fitted(line, end - GRACE)
    run, seconds = Run(run.folder), time.monotonic() - start
    done = run.progress.epoch - before
    pace = f"{done} epochs in {seconds:.0f} s, start and monitors included" if done else "no whole epoch"
    report(
        f"gpu_training_{name}",
        f"{method} with {encoder} on CIFAR-10, {run.progress.epoch} of {epochs} epochs",
        f"python -m benchmarks.gpu --train {method} --epochs {epochs} {' '.join(options)}".strip(),
        f"This call: {pace}{', then stopped for time' if stopped else ''}.\n\n{table(run)}",
    )


def begun(method: str, epochs: int, images: str, name: str) -> list[str]:
    """The line of a new run."""
    logger = "--trainer.logger"
    return [
        *("--config", str(CONFIGURATION), "--model", method, "--trainer.max_epochs", str(epochs)),
        *("--data.source", "Folder", "--data.source.root", str(Path(images).absolute()), *VIEWS),
        *(logger, "TensorBoardLogger", f"{logger}.save_dir", LOGS, f"{logger}.name", name, f"{logger}.version", "run"),
        *QUIET,
    ]


def fitted(line: Sequence[str], end: float) -> bool:
    """Whether the training had to be stopped: asked once, so that it writes its checkpoint, and then ended.

    Raises:
        SystemExit: If it failed.
    """
    fit = subprocess.Popen([sys.executable, "-m", "csl", "fit", *line], env={**os.environ})
    try:
        status = fit.wait(max(1.0, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        fit.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            fit.wait(GRACE)
        fit.kill()
        fit.wait()
        return True
    if status:
        raise SystemExit(status)
    return False


def table(run: Run) -> str:
    """What was measured, a row for each measured step."""
    scalars = run.scalars()
    names = [name for name in COLUMNS if name in scalars]
    steps = sorted({step for name in names for step in scalars[name]})
    rows = [[str(step), *(cell(scalars[name].get(step)) for name in names)] for step in steps]
    return Table(["step", *names], rows).markdown()


def cell(value: float | None) -> str:
    """A number in four digits; empty where there is none.

    Example:
        >>> cell(0.83216), cell(421.4), cell(None)
        ('0.8322', '421', '')
    """
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 10 else f"{value:.4f}"
