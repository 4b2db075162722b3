"""Whether neighbours are poor for want of knowledge, or because few directions of the features drown all others.

A linear classifier weighs directions as it likes; cosines take them as they are. So kNN is measured on each run's
features as they are, centred, and whitened: principal components, of the training images, scaled to one variance.

    python -m benchmarks.whitening lightning_logs/methods/mnist-{cpc,dim,mae}/seed_0
    python -m benchmarks.whitening lightning_logs/methods/digits-*/seed_0 --name whitening-digits
"""

import argparse
import tempfile
from pathlib import Path

import torch
from sklearn.decomposition import PCA

from benchmarks.machine import report
from benchmarks.method_rows import command
from csl.io import load_features
from csl.probes import KNNProbe
from csl.runs import CONFIG, Run
from csl.table import Table
from csl.types import Features

USUAL = "whitening"
TOP = 5
KEPT = 1 - 1e-6  # of the variance; components beyond are rounding


def main() -> None:
    """Measure each run, then print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="folders of runs")
    parser.add_argument("--name", default=USUAL, help=f"of the table's file (default: {USUAL})")
    given = parser.parse_args()
    runs, name = given.runs, given.name
    header = ["run", "as they are", "centred", "whitened", "linear", f"variance in {TOP} of D directions"]
    table = Table(header, [row(run) for run in runs]).markdown()
    note = "kNN accuracy (k = 20) on the held-out images; the linear classifier's is of the run's own log."
    more = f" --name {name}" if name != USUAL else ""
    line = f"python -m benchmarks.whitening {' '.join(map(str, runs))}{more}"
    report(name, "kNN on whitened features", line, f"{table}\n\n{note}")


def row(run: Path) -> list[str]:
    """One run in the table."""
    train, val = (features(run, part) for part in ("train", "val"))
    components = PCA(KEPT, whiten=True, svd_solver="full").fit(train.values)
    mean = train.values.mean(dim=0)
    found = [
        knn(train, val),
        knn(*(one._replace(values=one.values - mean) for one in (train, val))),
        knn(*(one._replace(values=torch.from_numpy(components.transform(one.values))) for one in (train, val))),
        Run(run).last_scalars()["val/linear_accuracy"],
    ]
    share = components.explained_variance_ratio_[:TOP].sum()
    return [f"{run.parent.name}, {run.name}", *(f"{value:.3f}" for value in found), f"{share:.2f} of {len(mean)}"]


def knn(train: Features, val: Features) -> float:
    """Accuracy on held-out features by the vote of training features."""
    return KNNProbe().fit(train, val).val_accuracy


def features(run: Path, part: str) -> Features:
    """The encoder's features of a set, in float64."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "features.npz"
        # An encoder that nobody trained has no checkpoint.
        what = [str(run)] if Run(run).checkpoint_files else ["--config", str(run / CONFIG)]
        command("predict", *what, "--output", str(file), "--data.predict_split", part, "--trainer.logger", "false")
        found = load_features(file)
    return found._replace(values=found.values.double())


if __name__ == "__main__":
    main()
