"""What the methods make of the same images: trains each on a folder's experiment and puts their measurements in a row.

    python -m benchmarks.methods configs/digits --methods SimCLR MoCo BYOL Supervised --seeds 3
    python -m benchmarks.methods configs/mnist --rates 0.001 0.003 0.01
    python -m benchmarks.methods configs/mnist --jobs 16 --trainer.accelerator gpu    # options of csl fit at the end

A finished row is a file of its own in `benchmarks/results/methods-<name>`, which is reused: delete it, and the run's
folder in `lightning_logs/methods`, to train it anew. What was interrupted is taken up again. The table has every row
that is there, whoever made it; with `--methods` and no name nothing is trained.

A method that breaks off is named at the end, after the others. CMC does on grey images: it compares what an image has
of brightness with what it has of colour.
"""

import argparse
import os
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

from benchmarks.correlations import ACCURACIES, Target, correlations
from benchmarks.machine import report
from benchmarks.method_rows import HELD_OUT, SEARCH_EPOCHS, Experiment, Row
from benchmarks.plane import FAMILIES
from csl.commands.listing import offered
from csl.methods import Method
from csl.table import Table

# Header, scalar, digits behind the point.
COLUMNS = (
    ("kNN", "val/knn_accuracy", 3),
    ("linear", "val/linear_accuracy", 3),
    ("GCN", "val/gcn_accuracy", 3),
    ("RLD(1.0)", "train/rld_1.0", 3),
    ("RLD(0.2)", "train/rld_0.2", 3),
    ("RLD(0.1)", "train/rld_0.1", 3),
    ("RLD(0.1) val", "val/rld_0.1", 3),
    ("CHS", "train/calinski_harabasz", 0),
    ("CHS val", "val/calinski_harabasz", 0),
    ("feature std", "val/feature_std", 2),
    ("RankMe val", "val/rankme", 1),
    ("NC1 val", "val/nc1_variability", 2),
    ("minutes", "minutes", 1),
)
FIRST = FAMILIES["no training"]


def main() -> None:
    """Train what is missing, then print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("configs", type=Path, help="a folder of configs, such as configs/digits")
    parser.add_argument("--methods", nargs="*", default=every_method(), help="classes (default: all of csl.methods)")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds, 0 and up (default: 1)")
    parser.add_argument("--jobs", type=int, default=1, help="methods that are trained side by side (default: 1)")
    parser.add_argument(
        "--rates", nargs="*", type=float, default=[], help="learning rates to search (default: the experiment's own)"
    )
    options, more = parser.parse_known_args()
    experiment = Experiment(options.configs, tuple(options.rates), tuple(more))
    if options.methods:
        experiment.untrained(FIRST[0], 0, "--model.encoder", "Pixels")
    for seed in range(options.seeds if options.methods else 0):
        experiment.untrained(FIRST[1], seed)
    failed = trained(experiment, options.methods, options.seeds, options.jobs)
    write(experiment)
    if failed:
        raise SystemExit(f"no row of {', '.join(failed)}: what went wrong stands above")


def trained(experiment: Experiment, methods: Sequence[str], seeds: int, jobs: int) -> list[str]:
    """Train methods, some of them side by side, each with its seeds in turn; those that broke off, by name."""
    if jobs > 1:
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // jobs)))
    written = Lock()

    def every_seed(method: str) -> bool:
        try:
            for seed in range(seeds):
                experiment.trained(method, seed)
                with written:
                    write(experiment)
        except (subprocess.CalledProcessError, RuntimeError) as error:
            print(f"{method}: {error}", flush=True)
            return False
        return True

    with ThreadPoolExecutor(jobs) as pool:
        return [method for method, done in zip(methods, pool.map(every_seed, methods), strict=True) if not done]


def write(experiment: Experiment) -> None:
    """Print the table of all finished rows, and write it."""
    rates = [f"{rate:g}" for rate in experiment.rates]
    words = ["python -m benchmarks.methods", str(experiment.configs), *(["--rates", *rates] if rates else [])]
    command = " ".join([*words, *experiment.options])
    report(f"methods-{experiment.name}", f"Methods on {experiment.name}", command, table(experiment))


def table(experiment: Experiment) -> str:
    """The table in Markdown, and what is to be known of it."""
    found = experiment.by_name()
    runs = {name: found[name] for name in (*FIRST, *found) if name in found}
    columns = [one for one in COLUMNS if any(one[1] in row.scalars for rows in runs.values() for row in rows)]
    lines = [line(name, rows, columns) for name, rows in runs.items()]
    header = ["", *(title for title, _, _ in columns), "rate", "seeds", "precision"]
    parts = [Table(header, lines).markdown(), note(experiment), encoders(runs), places(runs)]
    parts = [part for part in parts if part]
    return "\n\n".join([*parts, *followed(list(experiment.by_name(without=FIRST).values()))])


def places(runs: Mapping[str, list[Row]]) -> str:
    """Which row was measured on which machine; the seeds are named where a row's were measured on several."""
    found: dict[str, list[str]] = {}
    for name, rows in runs.items():
        machines = sorted({row.machine for row in rows})
        for one in machines:
            seeds = ", ".join(str(row.seed) for row in rows if row.machine == one)
            found.setdefault(one, []).append(name if len(machines) == 1 else f"{name} (seed {seeds})")
    lines = (f"- {one}: {', '.join(names) if len(found) > 1 else 'all rows'}." for one, names in sorted(found.items()))
    return "\n".join(["Rows were measured on", "", *lines])


def encoders(runs: Mapping[str, list[Row]]) -> str:
    """Which rows have an encoder of their own; empty if none has."""
    found = {(name, " ".join(row.encoder)) for name, rows in runs.items() for row in rows if row.encoder}
    lines = [f"- {name}: `{encoder}`." for name, encoder in sorted(found)]
    return "\n".join(["Rows with an encoder of their own:", "", *lines]) if lines else ""


def followed(rows: list[list[Row]]) -> list[str]:
    """What follows accuracy from method to method: rank correlations, where there are ten methods."""
    if len(rows) < 10:
        return []
    measures = {title: scalar for title, scalar, _ in COLUMNS if title not in ("linear", "GCN", "minutes")}
    targets: dict[str, Target] = {**ACCURACIES, "GCN - linear": (ACCURACIES["GCN"], ACCURACIES["linear"])}
    lines = [[title, *cells] for title, cells in correlations(rows, measures, targets).items()]
    return [
        f"Spearman's rank correlation over the {len(rows)} methods, with a 95 % bootstrap interval:",
        Table(["", *targets], lines).markdown(),
    ]


def note(experiment: Experiment) -> str:
    """How the numbers came about."""
    text = (
        "Measured on clean features after the last epoch; accuracies on the held-out images; mean ± standard deviation "
        "where there are several seeds. Minutes are of the clock, measuring included, on a machine that may "
        "have had other work beside."
    )
    if not experiment.rates:
        return text
    rates = ", ".join(f"{rate:g}" for rate in experiment.rates)
    return (
        f"{text} Each method has the learning rate, of {rates}, with the best kNN accuracy after {SEARCH_EPOCHS} "
        f"epochs on training images, of which {HELD_OUT:.0%} were held out for this; all else is the same."
    )


def line(name: str, rows: list[Row], columns: list[tuple[str, str, int]]) -> list[str]:
    """One line of the table: a method, and each column's mean and spread over its runs."""
    cells = [
        cell([row.scalars[scalar] for row in rows if scalar in row.scalars], digits) for _, scalar, digits in columns
    ]
    rates = sorted({f"{row.rate:g}" for row in rows if row.rate is not None})
    return [name, *cells, ", ".join(rates), str(len(rows)), ", ".join(sorted({row.precision for row in rows}))]


def every_method() -> list[str]:
    """The methods of csl that train.

    Example:
        >>> {"SimCLR", "Supervised"} <= set(every_method()), "Method" in every_method()
        (True, False)
    """
    return [kind.__name__ for kind in offered("csl.methods", "Method") if issubclass(kind, Method) and kind.trains]


def cell(values: list[float], digits: int) -> str:
    """Mean and standard deviation; nothing where nothing was measured.

    Example:
        >>> cell([0.25, 0.75], 2), cell([0.5], 2), cell([], 2)
        ('0.50 ± 0.35', '0.50', '')
    """
    if not values:
        return ""
    mean = f"{statistics.fmean(values):,.{digits}f}"
    return f"{mean} ± {statistics.stdev(values):,.{digits}f}" if len(values) > 1 else mean


if __name__ == "__main__":
    main()
