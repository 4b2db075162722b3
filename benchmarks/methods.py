"""What the methods make of the same images: trains each on a folder's experiment and puts their measurements in a row.

Runs are kept in `lightning_logs/methods` and taken up again or reused; delete a run's folder to train it anew.
"""

import argparse
import inspect
import statistics
import subprocess
import sys
from pathlib import Path

import csl.methods
from benchmarks.machine import report
from csl.runs import CONFIG, Run
from csl.table import Table

LOGS = Path("lightning_logs/methods")
# The experiment of a folder; --model puts another method in its place.
EXPERIMENT = "simclr.yaml"
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
    parser.add_argument("configs", type=Path, help="a folder of configs, such as configs/digits")
    parser.add_argument("--methods", nargs="+", default=every_method(), help="classes (default: all of csl.methods)")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds, 0 and up (default: 1)")
    options = parser.parse_args()
    name = "-".join(options.configs.parts[1:])
    seeds, config = range(options.seeds), options.configs / EXPERIMENT
    pixels = ["--model.encoder", "Pixels"]
    rows = [
        row("raw pixels", [evaluated(config, f"{name}-pixels", 0, pixels)]),
        row("untrained encoder", [evaluated(config, f"{name}-untrained", seed) for seed in seeds]),
    ]
    for method in options.methods:
        short = method.rpartition(".")[2]
        runs = [trained(config, method, f"{name}-{short.lower()}", seed) for seed in seeds]
        rows.append(row(short, [run.last_scalars() for run in runs]))
    table = Table(["", *(header for header, _, _ in COLUMNS)], rows).markdown()
    spread = "mean ± standard deviation over seeds; " if options.seeds > 1 else "one seed; "
    note = f"Measured on clean features after the last epoch; {spread}accuracies on the held-out images."
    chosen = "" if options.methods == every_method() else f" --methods {' '.join(options.methods)}"
    command = f"python -m benchmarks.methods {options.configs}{chosen} --seeds {options.seeds}"
    report(f"methods-{name}", f"Methods on {name}", command, f"{table}\n\n{note}")


def every_method() -> list[str]:
    """The methods of csl that train.

    Example:
        >>> {"SimCLR", "Supervised"} <= set(every_method()), "Method" in every_method()
        (True, False)
    """
    found = {name: getattr(csl.methods, name) for name in csl.methods.__all__}
    base = csl.methods.Method
    kinds = {name: kind for name, kind in found.items() if inspect.isclass(kind) and issubclass(kind, base)}
    return [name for name, kind in kinds.items() if kind != base and kind.trains]


def trained(config: Path, method: str, name: str, seed: int) -> Run:
    """A finished run of `csl fit`, which is trained or taken up again where it is not."""
    run = Run(LOGS / name / f"seed_{seed}")
    if not (run.folder / CONFIG).exists():
        line = ["--config", str(config), "--model", method, "--seed_everything", str(seed)]
        command("fit", *line, *logged(name, f"seed_{seed}"))
    elif not run.is_finished:
        command("fit", "--resume", str(run.folder))
    return Run(run.folder)


def evaluated(config: Path, name: str, seed: int, options: list[str] | None = None) -> dict[str, float]:
    """The measurements of an encoder that nobody trained."""
    run = Run(LOGS / name / f"seed_{seed}")
    if not (run.folder.exists() and run.last_scalars()):
        line = ["--config", str(config), "--seed_everything", str(seed), *(options or [])]
        command("validate", *line, *logged(name, f"seed_{seed}"))
    return run.last_scalars()


def logged(name: str, version: str) -> list[str]:
    """The options that choose a run's folder."""
    logger = "--trainer.logger"
    return [
        *(logger, "TensorBoardLogger", f"{logger}.default_hp_metric", "false"),
        *(f"{logger}.save_dir", str(LOGS), f"{logger}.name", name, f"{logger}.version", version),
    ]


def command(*line: str) -> None:
    """Run a command in a process of its own, as a user does."""
    print("csl", *line, flush=True)
    program = "import csl.cli; csl.cli.main()"
    subprocess.run([sys.executable, "-c", program, *line, *QUIET], check=True)


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
