"""What measuring costs at the end of an epoch: every default monitor on features of CIFAR-10's size.

A validation by Lightning's own Trainer, with an encoder that looks its features up: classes of many small clumps, as
contrastive encoders make them.
"""

import argparse
import resource
import tempfile
from typing import Any

import torch
from lightning.pytorch import LightningDataModule, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor
from torch.utils.data import DataLoader

from benchmarks.machine import report
from csl.callbacks import ClassAffinityMap, FeatureCollector, FeatureMap, OrganizationMetrics, ProbeMonitor
from csl.table import Table
from csl.types import Batch, Features

CLASSES = 10
CLUMPS = 50  # a class


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--train", type=int, default=50_000, help="reference samples")
    parser.add_argument("--val", type=int, default=10_000, help="held-out samples")
    parser.add_argument("--dimension", type=int, default=512, help="of the features")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()
    seconds = validated(args.train, args.val, args.dimension, args.device)
    total = sum(seconds.values())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    rows = [[name, f"{value:.1f}", f"{value / total:.0%}"] for name, value in seconds.items()]
    report(
        "monitors" if args.device == "cpu" else f"monitors_{args.device}",
        f"The monitors on {args.train:,} + {args.val:,} features of {args.dimension} dimensions",
        f"python -m benchmarks.monitors --train {args.train} --val {args.val} --dimension {args.dimension}",
        Table(["", "seconds", "share"], [*rows, ["all", f"{total:.1f}", ""]]).markdown()
        + f"\n\nPeak memory of the process: {peak:.1f} GB. The pictures are drawn at every fifth pass.",
    )


def validated(train: int, val: int, dimension: int, device: str) -> dict[str, float]:
    """Seconds of each monitor."""
    monitors = [OrganizationMetrics(), ProbeMonitor(), FeatureMap(), ClassAffinityMap()]
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            accelerator=device,
            devices=1,
            callbacks=[FeatureCollector(), *monitors],
            logger=TensorBoardLogger(folder),
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.validate(LookUp(), Rows(train, val, dimension), verbose=False)
    return {
        name.removeprefix("wall_seconds/"): float(value)
        for name, value in trainer.callback_metrics.items()
        if name.startswith("wall_seconds/")
    }


class LookUp(LightningModule):
    """Returns the features that a batch holds as its view."""

    def validation_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> dict[str, Features]:
        """One batch of features."""
        return {"encoder": Features(batch.views[0], batch.labels, batch.index)}


class Rows(LightningDataModule):
    """Features of both sets, drawn from the same clumps.

    Args:
        train: Reference samples.
        val: Held-out samples.
        dimension: D.
    """

    def __init__(self, train: int, val: int, dimension: int) -> None:
        super().__init__()
        self.generator = torch.Generator().manual_seed(0)
        self.centres = torch.randn(CLASSES * CLUMPS, dimension, generator=self.generator)
        self.counts = train, val

    def val_dataloader(self) -> list[DataLoader[Batch]]:
        """The two sets."""
        return [self._loader(count) for count in self.counts]

    def _loader(self, count: int) -> Any:
        values, labels = self._draw(count)
        rows = torch.split(torch.arange(count), 1_000)
        return DataLoader([Batch((values[part],), labels[part], part) for part in rows], batch_size=None)  # type: ignore[arg-type]

    def _draw(self, count: int) -> tuple[Tensor, Tensor]:
        clumps = torch.randint(CLASSES * CLUMPS, (count,), generator=self.generator)
        noise = torch.randn(count, self.centres.shape[1], generator=self.generator)
        return self.centres[clumps].add_(noise), clumps % CLASSES


if __name__ == "__main__":
    main()
