"""Which classifier suits which features: linear, kNN, label propagation and the GCN on pixels and on trained encoders.

Features are those of runs that `python -m benchmarks.methods` makes, `lightning_logs/methods/<set>-<method>/seed_<s>`,
written by `csl predict`, once for the training images and once for the held-out ones, and normalised to length 1. What
is done is kept in `lightning_logs/probes` and not done again.
"""

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from benchmarks.machine import report
from csl.io import load_features
from csl.metrics.directions import with_length_one
from csl.probes import GCNProbe, KNNProbe, LabelPropagationProbe, LinearProbe, Probe
from csl.runs import CONFIG, LAST, Run
from csl.table import Table
from csl.types import Features

Sets = tuple[Features, Features]

RUNS, KEPT = Path("lightning_logs/methods"), Path("lightning_logs/probes")
SETS = ("digits-pixels", "digits-simclr", "digits-supervised", "cifar10-cpu-simclr", "cifar10-cpu-supervised")
FULL_BUDGET = 8 * 2**30


def main() -> None:
    """Fit what is missing, then print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", nargs="+", default=list(SETS), help="names of runs")
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds, 0 and up")
    parser.add_argument("--full", type=int, default=5000, help="the full graph only for at most so many samples")
    parser.add_argument("--threads", type=int, default=2, help="threads on the CPU")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    rows = [row(name, args) for name in args.features if (RUNS / name).exists()]
    notes = (
        "Features of length 1. Accuracy on the held-out images, mean ± standard deviation over seeds; nothing is "
        "selected with their labels. "
        "With three encoder seeds each fit has its encoder's seed; with one, three seeds of the probe; pixels have no "
        "encoder. Parameters: linear as shown, 10 (D + 1); GCN 652 for any D; kNN and label propagation none. "
        f"T = 0.1; the full graph is fitted up to {args.full:,} samples in all."
    )
    header = ["features", "D", "samples", "encoder seeds", "linear (parameters)", *list(probes(0))[1:]]
    chosen = "" if args.features == list(SETS) else f" --features {' '.join(args.features)}"
    command = f"python -m benchmarks.probes{chosen} --seeds {args.seeds} --full {args.full}"
    report("probes", "Probes on the same features", command, f"{Table(header, rows).markdown()}\n\n{notes}")


def probes(seed: int) -> dict[str, Probe]:
    """All probes by the names of their columns."""
    return {
        "linear": LinearProbe(seed=seed),
        "kNN, k = 20": KNNProbe(),
        "label propagation": LabelPropagationProbe(seed=seed),
        **{f"GCN, k = {k}": GCNProbe(neighbors=k, seed=seed) for k in (10, 50, 200)},
        "GCN, full graph": GCNProbe(neighbors=None, seed=seed, memory_budget=FULL_BUDGET),
    }


def row(name: str, args: argparse.Namespace) -> list[str]:
    """One kind of features in the table."""
    runs = sorted((RUNS / name).glob("seed_*"))[: args.seeds]
    splits = [features(run) for run in runs]
    count, width = sum(len(part.labels) for part in splits[0]), splits[0][0].values.shape[1]
    cells = []
    for column in probes(0):
        if column == "GCN, full graph" and count > args.full:
            cells.append("not fitted")
            continue
        found = [fitted(name, run, split, column, seed) for run, split, seed in turns(runs, splits, args.seeds)]
        accuracies = [one["accuracy"] for one in found]
        spread = f" ± {statistics.stdev(accuracies):.3f}" if len(set(accuracies)) > 1 else ""
        size = f" ({found[0]['parameters']:,})" if column == "linear" else ""
        cells.append(f"{statistics.mean(accuracies):.3f}{spread}{size}")
    seeds = "none" if "pixels" in name else str(len(runs))
    return [name, str(width), f"{count:,}", seeds, *cells]


def turns(runs: list[Path], splits: list[Sets], seeds: int) -> Iterator[tuple[Path, Sets, int]]:
    """Run, features and seed of each fit: the runs' own seeds, or one run with several seeds of the probe."""
    for seed in range(seeds):
        at = seed if len(runs) > 1 else 0
        if at < len(runs):
            yield runs[at], splits[at], seed


def fitted(name: str, run: Path, split: Sets, column: str, seed: int) -> dict[str, Any]:
    """Accuracy, parameters and seconds of one fit."""
    file = KEPT / f"{name}.json"
    known: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    key = f"{run.name} {column} {seed}"
    if key not in known:
        result = probes(seed)[column].fit(*split)
        known[key] = {
            "accuracy": result.val_accuracy,
            "parameters": result.num_parameters,
            "seconds": result.seconds,
            "steps": result.steps,
        }
        file.write_text(json.dumps(known, indent=1))
        print(name, key, known[key], file=sys.stderr, flush=True)
    found: dict[str, Any] = known[key]
    return found


def features(run: Path) -> Sets:
    """Both sets, written by `csl predict` where they are not there yet."""
    parts = []
    for split in ("train", "val"):
        file = KEPT / f"{run.parent.name}-{run.name}-{split}.npz"
        if not file.exists():
            line = ["predict", "--config", str(run / CONFIG), "--data.predict_split", split, "--output", str(file)]
            line += ["--ckpt_path", str(run / LAST)] if Run(run).is_started else []
            program = "import csl.cli; csl.cli.main()"
            where = ["--trainer.logger.save_dir", str(KEPT), "--trainer.logger.name", f"{run.parent.name}-{run.name}"]
            quiet = ["--trainer.enable_progress_bar", "false", *where, "--trainer.logger.version", split]
            subprocess.run([sys.executable, "-c", program, *line, *quiet], check=True, stdout=sys.stderr)
        parts.append(with_length_one(load_features(file)))
    train, val = parts
    return train, val


if __name__ == "__main__":
    main()
