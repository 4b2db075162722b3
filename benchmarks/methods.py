"""What the methods make of the same images: trains each configuration of a folder and puts their measurements in a row.

Runs are kept in `lightning_logs/methods` and taken up again or reused; delete a run's folder to train it anew.
"""

import argparse
import re
import statistics
import subprocess
import sys
from pathlib import Path

import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from benchmarks.machine import report
from csl.commands.errors import CommandError
from csl.commands.resume import find_run
from csl.table import Table

LOGS = Path("lightning_logs/methods")
METHODS = ("simclr", "moco", "byol", "supervised")
# Header, scalar, digits behind the point.
COLUMNS = (
    ("kNN", "val/knn_accuracy", 3),
    ("linear", "val/linear_accuracy", 3),
    ("GCN", "val/gcn_accuracy", 3),
    ("RLD(1.0)", "train/rld_1.0", 3),
    ("RLD(0.1)", "train/rld_0.1", 3),
    ("RLD(0.1) val", "val/rld_0.1", 3),
    ("CHS", "train/calinski_harabasz", 0),
    ("CHS val", "val/calinski_harabasz", 0),
    ("feature std", "val/feature_std", 2),
)
QUIET = ["--trainer.enable_progress_bar", "false", "--trainer.enable_model_summary", "false"]


def main() -> None:
    """Train what is missing, then print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("configs", type=Path, help="a folder with one file a method, such as configs/digits")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds, 0 and up (default: 1)")
    options = parser.parse_args()
    name = "-".join(options.configs.parts[1:])
    seeds = range(options.seeds)
    first = options.configs / f"{METHODS[0]}.yaml"
    pixels = ["--model.encoder", "benchmarks.pixels.Pixels"]
    rows = [
        row("raw pixels", [evaluated(first, f"{name}-pixels", 0, pixels)]),
        row("untrained encoder", [evaluated(first, f"{name}-untrained", seed) for seed in seeds]),
    ]
    for method in METHODS:
        config = options.configs / f"{method}.yaml"
        runs = [trained(config, f"{name}-{method}", seed) for seed in seeds]
        rows.append(row(method_name(runs[0]), [last_scalars(run) for run in runs]))
    table = Table(["", *(header for header, _, _ in COLUMNS)], rows).markdown()
    spread = "mean ± standard deviation over seeds; " if options.seeds > 1 else "one seed; "
    note = f"Measured on clean features after the last epoch; {spread}accuracies on the held-out images."
    command = f"python -m benchmarks.methods {options.configs} --seeds {options.seeds}"
    report(f"methods-{name}", f"Methods on {name}", command, f"{table}\n\n{note}")


def trained(config: Path, name: str, seed: int) -> Path:
    """The folder of a finished run of `csl fit`, which is trained or taken up again where there is none."""
    run = LOGS / name / f"seed_{seed}"
    try:
        resumption = find_run(str(run))
    except CommandError:
        csl("fit", "--config", str(config), "--seed_everything", str(seed), *logged(name, f"seed_{seed}"))
        return run
    max_epochs = yaml.safe_load((run / "config.yaml").read_text())["trainer"]["max_epochs"]
    if not resumption.finished(max_epochs, -1):
        csl("fit", "--resume", str(run))
    return run


def evaluated(config: Path, name: str, seed: int, options: list[str] | None = None) -> dict[str, float]:
    """The measurements of an encoder that nobody trained."""
    run = LOGS / name / f"seed_{seed}"
    if not (run.exists() and last_scalars(run)):
        line = ["--config", str(config), "--seed_everything", str(seed), *(options or [])]
        csl("validate", *line, *logged(name, f"seed_{seed}"))
    return last_scalars(run)


def logged(name: str, version: str) -> list[str]:
    """The options that choose a run's folder."""
    logger = "--trainer.logger"
    return [
        *(logger, "TensorBoardLogger", f"{logger}.default_hp_metric", "false"),
        *(f"{logger}.save_dir", str(LOGS), f"{logger}.name", name, f"{logger}.version", version),
    ]


def csl(*line: str) -> None:
    """Run a command in a process of its own, as a user does."""
    print("csl", *line, flush=True)
    program = "import csl.cli; csl.cli.main()"
    subprocess.run([sys.executable, "-c", program, *line, *QUIET], check=True)


def last_scalars(run: Path) -> dict[str, float]:
    """The last value of every scalar in a run's log."""
    log = EventAccumulator(str(run), size_guidance={"scalars": 0})
    log.Reload()
    return {tag: log.Scalars(tag)[-1].value for tag in log.Tags()["scalars"]}


def method_name(run: Path) -> str:
    """The class that a run trained."""
    found = re.search(r"class_path: csl\.methods\.(?:\w+\.)?(\w+)", (run / "config.yaml").read_text())
    return found[1] if found else run.parent.name


def row(name: str, runs: list[dict[str, float]]) -> list[str]:
    """One line of the table: a method, and each column's mean and spread over its runs."""
    return [name, *(cell([run[scalar] for run in runs], digits) for _, scalar, digits in COLUMNS)]


def cell(values: list[float], digits: int) -> str:
    """Mean and standard deviation.

    Example:
        >>> cell([0.25, 0.75], 2), cell([0.5], 2)
        ('0.50 ± 0.35', '0.50')
    """
    mean = f"{statistics.fmean(values):,.{digits}f}"
    return f"{mean} ± {statistics.stdev(values):,.{digits}f}" if len(values) > 1 else mean


if __name__ == "__main__":
    main()
