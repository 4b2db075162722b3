"""Whether neighbours are poor for want of knowledge, or because few directions of the features drown all others.

A linear classifier weighs directions as it likes; cosines take them as they are. So kNN is measured on each run's
features as they are, centred, and whitened: principal components, of the training images, scaled to one variance.

    python -m benchmarks.whitening lightning_logs/methods/mnist-{cpc,dim,mae}/seed_0
"""

import argparse
import tempfile
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.machine import report
from benchmarks.method_rows import command
from csl.io import load_features
from csl.probes import KNNProbe
from csl.runs import Run
from csl.table import Table
from csl.types import Features

TOP = 5
LEAST = 1e-6  # of the largest variance: components with less are left out


def main() -> None:
    """Measure each run, then print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="folders of runs")
    runs = parser.parse_args().runs
    header = ["run", "as they are", "centred", "whitened", "linear", f"variance in {TOP} of D directions"]
    table = Table(header, [row(run) for run in runs]).markdown()
    note = "kNN accuracy (k = 20) on the held-out images; the linear classifier's is of the run's own log."
    report(
        "whitening", "kNN on whitened features", f"python -m benchmarks.whitening {shown(runs)}", f"{table}\n\n{note}"
    )


def shown(runs: list[Path]) -> str:
    """The runs, as the line named them."""
    return " ".join(map(str, runs))


def row(run: Path) -> list[str]:
    """One run in the table."""
    train, val = (features(run, part) for part in ("train", "val"))
    mean = train.values.mean(dim=0)
    variance, directions = spectrum(train.values)
    kept = variance > LEAST * variance[0]
    scaled = directions[:, kept] / variance[kept].sqrt()
    found = [
        knn(train, val),
        knn(*(one._replace(values=one.values - mean) for one in (train, val))),
        knn(*(one._replace(values=(one.values - mean) @ scaled) for one in (train, val))),
        Run(run).last_scalars()["val/linear_accuracy"],
    ]
    share = float(variance[:TOP].sum() / variance.sum())
    return [f"{run.parent.name}, {run.name}", *(f"{value:.3f}" for value in found), f"{share:.2f} of {len(mean)}"]


def spectrum(values: Tensor) -> tuple[Tensor, Tensor]:
    """Variances `[D]` along principal components, the largest first, and the components `[D, D]`, one in a column.

    Example:
        >>> spectrum(torch.tensor([[0.0, 1.0], [0.0, -1.0], [3.0, 0.0], [-3.0, 0.0]]))[0]
        tensor([4.5000, 0.5000])
    """
    centred = values - values.mean(dim=0)
    variance, directions = torch.linalg.eigh(centred.T @ centred / len(values))
    return variance.flip(0), directions.flip(1)


def knn(train: Features, val: Features) -> float:
    """Accuracy on held-out features by the vote of training features."""
    return KNNProbe().fit(train, val).val_accuracy


def features(run: Path, part: str) -> Features:
    """The encoder's features of a set, in float64."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "features.npz"
        command("predict", str(run), "--output", str(file), "--data.predict_split", part, "--trainer.logger", "false")
        found = load_features(file)
    return found._replace(values=found.values.double())


if __name__ == "__main__":
    main()
