"""The command itself on one and on two processes of one thread each, with the same global batch.

Images a second in training, and the seconds that the monitors take on the features of both sets.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer

from benchmarks.machine import report
from csl.runs import Run
from csl.table import Table
from csl.types import Batch

RATE = "train/images_per_second"
FIRST = 5  # steps that warm up
MEASURED = {
    "training, images/s": RATE,
    "features, s": "wall_seconds/features",
    "organization metrics, s": "wall_seconds/OrganizationMetrics",
    "probes, s": "wall_seconds/ProbeMonitor",
}


def main() -> None:
    """Run, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--images", type=int, default=10_000, help="training images")
    parser.add_argument("--batch", type=int, default=256, help="images in a step, of all processes")
    args = parser.parse_args()
    one, two = (measured(processes, args.images, args.batch) for processes in (1, 2))
    rows = [
        [name, f"{one[tag]:,.1f}", f"{two[tag]:,.1f}", f"{speedup(tag, one[tag], two[tag]):.2f}"]
        for name, tag in MEASURED.items()
    ]
    report(
        "processes",
        "One process and two",
        f"python -m benchmarks.processes --images {args.images} --batch {args.batch}",
        "`csl fit`, SimCLR with a ResNet of depth 10 and width 16 on random 32 x 32 images, one epoch.\n\n"
        + Table(["", "1 process", "2 processes", "times as fast"], rows).markdown(),
    )


def speedup(tag: str, one: float, two: float) -> float:
    """How many times as fast two are: a rate grows, seconds shrink."""
    return two / one if tag == RATE else one / two


def measured(processes: int, images: int, batch: int) -> dict[str, float]:
    """The last value of every scalar of a run on so many processes."""
    with tempfile.TemporaryDirectory() as folder:
        # Lightning starts the other process by the same command, which `python -c` would not have.
        csl = str(Path(sys.executable).with_name("csl"))
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        subprocess.run([csl, *line(processes, images, batch, folder)], check=True, env=environment)
        (run,) = Path(folder).glob("*/version_0")
        return Run(run).last_scalars()


def line(processes: int, images: int, batch: int, folder: str) -> list[str]:
    """The command."""
    encoder, logger = "--model.encoder", "--trainer.logger"
    return [
        *("fit", "--model", "SimCLR", encoder, "ResNet", f"{encoder}.depth", "10", f"{encoder}.width", "16"),
        *("--data.source", "benchmarks.synthetic.Synthetic", "--data.source.num_images", str(images)),
        *("--data.batch_size", str(batch), "--trainer.max_epochs", "1", "--trainer.enable_progress_bar", "false"),
        *("--trainer.accelerator", "cpu", "--trainer.devices", str(processes)),
        *("--trainer.strategy", "ddp" if processes > 1 else "auto"),
        *("--trainer.callbacks+", "benchmarks.processes.StepRate"),
        *(logger, "TensorBoardLogger", f"{logger}.save_dir", folder),
    ]


class StepRate(Callback):
    """Logs images a second, of all processes, between the fifth and the last step of an epoch."""

    def __init__(self) -> None:
        self._images, self._start = 0, 0.0

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Batch, batch_idx: int) -> None:
        """Count and divide."""
        if batch_idx < FIRST:
            return
        if batch.labels.is_cuda:
            torch.cuda.synchronize()
        now = time.perf_counter()
        if batch_idx == FIRST:
            self._images, self._start = 0, now
            return
        self._images += len(batch.labels) * trainer.world_size
        pl_module.log(RATE, self._images / (now - self._start), on_step=True, sync_dist=True)


if __name__ == "__main__":
    main()
