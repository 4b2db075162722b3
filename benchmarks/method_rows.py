"""Rows of the table of methods: each is trained once, by the command itself, and kept as a file of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import yaml

from benchmarks.machine import RESULTS, machine
from csl import methods
from csl.commands.completion import SMALL
from csl.runs import CONFIG, Run

LOGS = Path("lightning_logs/methods")
# The experiment of a folder; --model puts another method in its place.
EXPERIMENT = "simclr.yaml"
QUIET = ["--trainer.enable_progress_bar", "false", "--trainer.enable_model_summary", "false"]
JUDGE = "val/knn_accuracy"
SEARCH_EPOCHS = 3
REFUSED = 1  # status of `csl fit` where it breaks off by itself, as when the loss is no number
HELD_OUT = 0.05  # of the training images, for the search
# Of methods that take no other, and of those that compare places of maps: small ones of small parts of the image.
ENCODERS = {"AMDIM": "LocalNet", "CMC": "LabResNet", "CPC": "PatchResNet", "DIM": "LocalNet", "MAE": "ViT"}
# About as small as the common encoder of MNIST and CIFAR-10; of digits, what `csl fit` takes for them.
SIZES: dict[str, dict[str, int]] = {
    "LabResNet": {"depth": 10, "width": 16},
    "LocalNet": {"width": 16},
    "PatchResNet": {"depth": 10, "width": 16},
    "ViT": {"depth": 4, "heads": 4, "width": 128, "mlp_width": 256},
}


@dataclass(frozen=True)
class Row:
    """What was measured after a run.

    Attributes:
        name: The method, "raw pixels" or "untrained encoder".
        seed: Of the run.
        scalars: Every scalar at its last step.
        rate: The learning rate that a search found; None where the experiment's own was taken.
        precision: Of the training.
        machine: Where it ran.
        options: Options of `csl fit` beside the experiment's.
        encoder: Those that put an encoder in the place of the experiment's; none where that was trained.
    """

    name: str
    seed: int
    scalars: dict[str, float]
    rate: float | None = None
    precision: str = ""
    machine: str = field(default_factory=machine)
    options: tuple[str, ...] = ()
    encoder: tuple[str, ...] = ()


@dataclass(frozen=True)
class Experiment:
    """An experiment for every method: a folder of configs, and the files that its finished rows are kept in.

    Rows are in `benchmarks/results/methods-<name>`, one file for a method and a seed. What is there is not trained
    again, so that several machines can share the work.

    Args:
        configs: A folder of configs, such as `configs/digits`.
        rates: Learning rates among which one is searched for every method; the experiment's own if there are none.
        options: More options of `csl fit`, for every run.
    """

    configs: Path
    rates: tuple[float, ...] = ()
    options: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The folder's name below `configs`, such as "cifar10-cpu"."""
        return "-".join(self.configs.parts[1:])

    @property
    def folder(self) -> Path:
        """Where the rows are."""
        return RESULTS / f"methods-{self.name}"

    def rows(self) -> list[Row]:
        """The finished rows, in the order of their names and seeds."""
        files = sorted(self.folder.glob("*-seed*.json"))
        return [Row(**json.loads(file.read_text())) for file in files]

    def by_name(self, *, without: Collection[str] = ()) -> dict[str, list[Row]]:
        """The finished rows of each name, of all its seeds; but for names that are to be left out."""
        found: dict[str, list[Row]] = {}
        for row in self.rows():
            if row.name not in without:
                found.setdefault(row.name, []).append(row)
        return found

    def untrained(self, name: str, seed: int, *options: str) -> None:
        """Measure an encoder that nobody trained, where that is not done."""
        if not self._file(name, seed).exists():
            run = Run(LOGS / f"{self.name}-{_short(name)}" / f"seed_{seed}")
            if not (run.folder.exists() and run.last_scalars()):
                command("validate", *self._line(run, seed), *options)
            self._keep(Row(name, seed, run.last_scalars(), options=self.options))

    def trained(self, method: str, seed: int) -> None:
        """Train a method, or go on with it, where that is not done."""
        if self._file(method, seed).exists():
            return
        rate = self.rate(method) if self.rates else None
        run = Run(LOGS / f"{self.name}-{_short(method)}" / f"seed_{seed}")
        chosen = [] if rate is None else ["--model.optimization.lr", str(rate)]
        encoder = self._encoder(method)
        train(run, self.options, *self._line(run, seed), "--model", method, *encoder, *chosen)
        run = Run(run.folder)
        seconds = sum(leg.get("seconds") or 0.0 for leg in run.record["legs"])  # a leg that was killed has none
        scalars = run.last_scalars() | {"minutes": seconds / 60}
        name = method.rpartition(".")[2]
        self._keep(Row(name, seed, scalars, rate, run.record["precision"], options=self.options, encoder=encoder))

    def rate(self, method: str) -> float:
        """The rate that is best after three epochs, by kNN on held-out training images; the first of equals.

        The search of a method is made once, with seed 0, and kept beside the rows. A rate at which training breaks off
        counts as 0.

        Raises:
            RuntimeError: If training broke off at every rate.
        """
        file = self.folder / f"{_short(method)}-rates.json"
        if not file.exists():
            scores = {str(rate): self._score(method, rate) for rate in self.rates}
            if not any(scores.values()):
                raise RuntimeError(f"{method}: training broke off at every rate of {', '.join(scores)}")
            _write(file, scores)
        found: dict[str, float] = json.loads(file.read_text())
        return float(max(found, key=lambda rate: found[rate]))

    def _score(self, method: str, rate: float) -> float:
        """A short training on the experiment's training images, of which some are held out."""
        name = f"{self.name}-{_short(method)}-search"
        run = Run(LOGS / name / f"rate_{rate}")
        source = yaml.safe_load((self.configs / EXPERIMENT).read_text())["data"]["source"]
        line = [
            *(*self._line(run, 0), "--model", method, *self._encoder(method), "--model.optimization.lr", str(rate)),
            *("--model.optimization.warmup_epochs", "1", "--trainer.max_epochs", str(SEARCH_EPOCHS)),
            *("--trainer.check_val_every_n_epoch", str(SEARCH_EPOCHS)),
            *("--data.source.root", f"{source['init_args']['root']}/train", "--data.source.holdout", str(HELD_OUT)),
            *(
                "--trainer.callbacks",
                json.dumps([{"class_path": "ProbeMonitor", "init_args": {"probes": ["KNNProbe"]}}]),
            ),
        ]
        try:
            train(run, self.options, *line)
        except subprocess.CalledProcessError as error:
            if error.returncode != REFUSED:
                raise
            return 0.0
        return round(Run(run.folder).last_scalars()[JUDGE], 4)

    def _line(self, run: Run, seed: int) -> list[str]:
        """The experiment, and the options that choose a run's folder."""
        logger = "--trainer.logger"
        return [
            *("--config", str(self.configs / EXPERIMENT), "--seed_everything", str(seed)),
            *(logger, "TensorBoardLogger", f"{logger}.default_hp_metric", "false", f"{logger}.save_dir", str(LOGS)),
            *(f"{logger}.name", run.folder.parent.name, f"{logger}.version", run.folder.name),
            *self.options,
        ]

    def _encoder(self, method: str) -> tuple[str, ...]:
        """The options that put an encoder of the method's own in the place of the experiment's, where it needs one."""
        kind = ENCODERS.get(name := method.rpartition(".")[2])
        if kind is None:
            return ()
        usual = getattr(methods, name).usual.options
        options = {**usual, **(SMALL if self.name == "digits" else SIZES).get(kind, {})}
        return "--model.encoder", kind, *(f"--model.encoder.{option}={value}" for option, value in options.items())

    def _file(self, name: str, seed: int) -> Path:
        return self.folder / f"{_short(name)}-seed{seed}.json"

    def _keep(self, row: Row) -> None:
        _write(self._file(row.name, row.seed), asdict(row))


def train(run: Run, options: Sequence[str], *line: str) -> None:
    """Train a run by a line, or go on with it, with the options that it need not have begun with."""
    if not (run.folder / CONFIG).exists():
        command("fit", *line)
    elif not run.is_finished:
        command("fit", "--resume", str(run.folder), *options)


def command(*line: str) -> None:
    """Run a command in a process of its own, as a user does."""
    print("csl", *line, flush=True)
    program = "import csl.cli; csl.cli.main()"
    subprocess.run([sys.executable, "-c", program, *line, *QUIET], check=True)


def _short(name: str) -> str:
    """The name of files and folders, of a row or of a class with the module before it."""
    return name.rpartition(".")[2].lower().replace(" ", "-")


def _write(file: Path, content: object) -> None:
    """Write a file at once, as others may train other methods and read it meanwhile."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
    part.replace(file)
