"""Which classifier suits which features: linear, kNN, label propagation and the GCN on pixels and on trained encoders.

Features are those of runs that `python -m benchmarks.methods` makes, `lightning_logs/methods/<set>-<method>/seed_<s>`.
Each run is measured by `csl validate` with all probes; what it said is kept in `lightning_logs/probes`, where it is
taken from the next time.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.machine import report
from benchmarks.method_rows import LOGS, command
from benchmarks.methods import cell
from csl.runs import CONFIG, Run
from csl.table import Table

KEPT = Path("lightning_logs/probes")
SETS = ("digits-raw-pixels", "digits-simclr", "digits-supervised", "cifar10-cpu-simclr", "cifar10-cpu-supervised")
# What the log calls each probe: its column, its class, and its options.
PROBES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "linear": ("linear (parameters)", "LinearProbe", {}),
    "knn": ("kNN, k = 20", "KNNProbe", {}),
    "label_propagation": ("label propagation", "LabelPropagationProbe", {}),
    **{f"gcn_{k}": (f"GCN, k = {k}", "GCNProbe", {"neighbors": k}) for k in (10, 50, 200)},
    "gcn_full": ("GCN, full graph", "GCNProbe", {"neighbors": None, "memory_budget": 8 * 2**30}),
}
NOTES = """Features of length 1. Accuracy on the held-out images, mean ± standard deviation over seeds; nothing is \
selected with their labels. With three encoder seeds each fit has its encoder's seed; with one, three seeds of the \
probe; pixels have no encoder. Parameters: linear as shown, 10 (D + 1); GCN 652 for any D; kNN and label propagation \
none. T = 0.1."""


def main() -> None:
    """Measure what is missing, then print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", nargs="+", default=list(SETS), help="names of runs")
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds, 0 and up")
    args = parser.parse_args()
    rows = [row(name, args.seeds) for name in args.features if (LOGS / name).exists()]
    header = ["features", "D", "samples", "encoder seeds", *(title for title, _, _ in PROBES.values())]
    chosen = "" if args.features == list(SETS) else f" --features {' '.join(args.features)}"
    line = f"python -m benchmarks.probes{chosen} --seeds {args.seeds}"
    report("probes", "Probes on the same features", line, f"{Table(header, rows).markdown()}\n\n{NOTES}")


def row(name: str, seeds: int) -> list[str]:
    """One kind of features in the table."""
    runs = sorted((LOGS / name).glob("seed_*"))[:seeds]
    found = [measured(run, seed) for run, seed in turns(runs, seeds)]
    data, values = found[0]["data"], [one["values"] for one in found]
    parameters = round(values[0]["val/linear_parameters"])
    cells = []
    for probe in PROBES:
        reached = [one[f"val/{probe}_accuracy"] for one in values]
        text = cell(reached if len(set(reached)) > 1 else reached[:1], 3)
        cells.append(f"{text} ({parameters:,})" if probe == "linear" else text)
    width, count = parameters // len(data["classes"]) - 1, sum(data["sets"].values())
    return [name, str(width), f"{count:,}", "none" if "pixels" in name else str(len(runs)), *cells]


def turns(runs: list[Path], seeds: int) -> Iterator[tuple[Path, int]]:
    """Run and seed of each fit: the runs' own seeds, or one run with several seeds of the probe.

    Example:
        >>> list(turns([Path("seed_0")], 2))
        [(PosixPath('seed_0'), 0), (PosixPath('seed_0'), 1)]
        >>> list(turns([Path("seed_0"), Path("seed_1")], 3))
        [(PosixPath('seed_0'), 0), (PosixPath('seed_1'), 1)]
    """
    for seed in range(seeds if len(runs) == 1 else len(runs)):
        yield runs[0 if len(runs) == 1 else seed], seed


def measured(run: Path, seed: int) -> dict[str, Any]:
    """What `csl validate` says of a run with all probes: its last checkpoint, or the network as it began."""
    file = KEPT / f"{run.parent.name}-{run.name}-probe_{seed}.json"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        probes = {
            name: {"class_path": kind, "init_args": {**options, "seed": seed}}
            for name, (_, kind, options) in PROBES.items()
        }
        monitor = {"class_path": "ProbeMonitor", "init_args": {"probes": probes}}
        where = [str(run)] if Run(run).is_started else ["--config", str(run / CONFIG)]
        told = ["--trainer.callbacks", json.dumps([monitor]), "--trainer.logger", "false", "--json", str(file)]
        command("validate", *where, *told)
    found: dict[str, Any] = json.loads(file.read_text())
    return found


if __name__ == "__main__":
    main()
