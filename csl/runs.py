"""What a run leaves in its folder, read in one place: configuration, checkpoints, curves, pictures, how far it came."""

import csv
import os
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

CONFIG = "config.yaml"
CHECKPOINTS = "checkpoints"
LAST = Path(CHECKPOINTS) / "last.ckpt"
EVENTS = "events.out.tfevents.*"
CSV = "metrics.csv"
RECORD = "record.yaml"
ENCODER = "encoder.safetensors"


def epoch_file(epoch: int) -> Path:
    """Where a run keeps the weights after so many epochs.

    Example:
        >>> epoch_file(10).as_posix()
        'checkpoints/epoch_0010.ckpt'
    """
    return Path(CHECKPOINTS) / f"epoch_{epoch:04d}.ckpt"


class Checkpoint(NamedTuple):
    """A file with the state of a run.

    Attributes:
        path: The file.
        epoch: The epochs that were finished when it was written.
        step: The optimizer steps that were done.
        in_epoch: Whether an epoch was under way.
    """

    path: Path
    epoch: int
    step: int
    in_epoch: bool = False

    @classmethod
    def read(cls, path: Path, name: str = "checkpoint") -> "Checkpoint":
        """Look into a file; nothing in it is run, and its tensors are not loaded.

        Args:
            path: The file.
            name: The option that an error message names.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is damaged, or no checkpoint of a Lightning trainer.
        """
        from csl.io import load_checkpoint  # it imports torch, which who only reads curves should not wait for

        content = load_checkpoint(path, name=name, mmap=True)
        try:
            epochs = content["loops"]["fit_loop"]["epoch_progress"]["current"]
            done = int(epochs["processed"])
            return cls(path, done, int(content["global_step"]), epochs.get("started", done) > done)
        except (KeyError, TypeError) as error:
            raise ValueError(f"{name}: {path} is not a checkpoint of a training (it has no {error})") from error


def class_name(path: str) -> str:
    """The name of a class, of its path or of a file and its name.

    Example:
        >>> class_name("csl.methods.SimCLR"), class_name("methods/mine.py:MyMethod")
        ('SimCLR', 'MyMethod')
    """
    return re.split("[.:]", path)[-1]


def options_of(config: Mapping[str, Any], called: Callable[[str], str] = class_name) -> dict[str, Any]:
    """A configuration by the names of its options; a class stands at the name of what it is chosen for.

    Args:
        config: As a run's folder holds it.
        called: What a class is called, by its path.

    Example:
        >>> options_of({"model": {"class_path": "csl.methods.SimCLR", "init_args": {"optimization": {"lr": 0.5}}}})
        {'model': 'SimCLR', 'model.optimization.lr': 0.5}
    """
    found: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            if "class_path" in value:
                found[key] = called(str(value["class_path"]))
                value = {**(value.get("init_args") or {}), **(value.get("dict_kwargs") or {})}
            found |= {f"{key}.{name}": inner for name, inner in options_of(value, called).items()}
        else:
            found[key] = list(value) if isinstance(value, tuple) else value
    return found


@dataclass(frozen=True)
class Run:
    r"""The folder of a run of `csl fit`, or of `csl validate`, which leaves a log alone.

    Nothing is read before it is asked for.

    Args:
        folder: Such as `lightning_logs/simclr-digits/version_0`.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = (Path(folder) / CONFIG).write_text("model: {class_path: csl.methods.SimCLR}")
        ...     _ = (Path(folder) / CSV).write_text("step,val/rld_0.1\n4,0.5\n9,0.75\n")
        ...     run = Run(Path(folder))
        ...     run.method, run.scalars(), run.is_started
        ('SimCLR', {'val/rld_0.1': {4: 0.5, 9: 0.75}}, False)
    """

    folder: Path

    @cached_property
    def config(self) -> dict[str, Any]:
        """The run's configuration, as plain dictionaries, lists, numbers and words.

        Raises:
            ValueError: If the folder holds none, or the file is no YAML.
        """
        file = self.folder / CONFIG
        if not file.is_file():
            raise ValueError(f"{self.folder}: expected the folder of a run, which holds its configuration ({CONFIG})")
        return _mapping(file)

    @cached_property
    def record(self) -> dict[str, Any]:
        """What is known of the training, resolved (see `csl.callbacks.RunRecord`); empty before it starts.

        Raises:
            ValueError: If the file is no YAML.
        """
        file = self.folder / RECORD
        return _mapping(file) if file.is_file() else {}

    @property
    def method(self) -> str:
        """The name of the class that was trained, such as "SimCLR"; empty where the configuration names none."""
        model = self.config.get("model") or {}
        return class_name(str(model if isinstance(model, str) else model.get("class_path", "")))

    @property
    def last(self) -> Path:
        """The checkpoint from which the run can go on; there is none before the end of the first epoch."""
        return self.folder / LAST

    @property
    def is_started(self) -> bool:
        """Whether there is a checkpoint to go on from."""
        return self.last.is_file()

    @property
    def checkpoint_files(self) -> list[Path]:
        """All checkpoints in the order of their numbers, `last.ckpt` at the end."""
        found = (self.folder / CHECKPOINTS).glob("[!.]*.ckpt")
        return sorted(found, key=lambda path: (path == self.last, *by_number(path)))

    @property
    def checkpoints(self) -> list[Checkpoint]:
        """All checkpoints with what is known of them, in the order of their steps.

        Raises:
            ValueError: If one is damaged.
        """
        return sorted(map(Checkpoint.read, self.checkpoint_files), key=lambda found: found.step)

    @cached_property
    def progress(self) -> Checkpoint:
        """How far the run has come: its last checkpoint; epoch 0 and step 0 before the first.

        Raises:
            ValueError: If the last checkpoint is damaged.
        """
        return Checkpoint.read(self.last) if self.is_started else Checkpoint(self.last, epoch=0, step=0)

    @property
    def is_finished(self) -> bool:
        """Whether the epochs or steps that the configuration asks for are done.

        Raises:
            ValueError: If the last checkpoint is damaged, or there is no configuration.
        """
        trainer = self.config.get("trainer") or {}
        epochs, steps = trainer.get("max_epochs"), trainer.get("max_steps", -1)
        return reached(self.progress.epoch, epochs) or reached(self.progress.step, steps)

    def scalars(self) -> dict[str, dict[int, float]]:
        """Every logged scalar by name and step, from TensorBoard's events or else from `metrics.csv`.

        Where a step was logged again after a resume, the later value counts.
        """
        events = _events(self.folder, scalars=0)
        logged = {name: {p.step: p.value for p in events.Scalars(name)} for name in events.Tags()["scalars"]}
        return {**_csv_scalars(self.folder / CSV), **logged}

    def last_scalars(self) -> dict[str, float]:
        """The value of every scalar at its last step."""
        return {name: values[max(values)] for name, values in self.scalars().items()}

    def pictures(self, name: str) -> dict[int, bytes]:
        """The pictures that TensorBoard shows under a name, by step, as PNG files.

        Raises:
            ValueError: If there is none of that name.
        """
        events = _events(self.folder, images=0)
        names = events.Tags()["images"]
        if name not in names:
            raise ValueError(f"{self.folder}: expected one of its pictures ({', '.join(names)}), got {name!r}")
        return {picture.step: picture.encoded_image_string for picture in events.Images(name)}


def find_versions(folder: str | Path) -> list[Run]:
    """The runs of one name, `version_2` before `version_10`.

    Args:
        folder: Such as `lightning_logs/simclr-digits`.
    """
    return [Run(path) for path in sorted(Path(folder).glob("*"), key=by_number) if (path / CONFIG).is_file()]


def names_of(paths: Sequence[Path]) -> list[str]:
    """What to call runs or files in tables: the last parts of their paths, as many as tell all of them apart.

    Example:
        >>> names_of([Path("logs/simclr-digits/version_0"), Path("logs/byol-digits/version_0")])
        ['simclr-digits/version_0', 'byol-digits/version_0']
        >>> names_of([Path("a.npz"), Path("a.npz")])
        ['a.npz', 'a.npz (2)']
    """
    whole = [Path(os.path.abspath(path)) for path in paths]
    depth = next((d for d in range(2, 100) if len({path.parts[-d:] for path in whole}) == len(set(whole))), 100)
    names = ["/".join(path.parts[-depth:] if path.suffix == "" else path.parts[-depth + 1 :]) for path in whole]
    seen: Counter[str] = Counter()
    for place, name in enumerate(names):
        seen[name] += 1
        names[place] = name if seen[name] == 1 else f"{name} ({seen[name]})"
    return names


def by_number(path: Path) -> tuple[str | int, ...]:
    """A key that sorts names by the numbers in them.

    Example:
        >>> sorted([Path("version_10"), Path("version_9")], key=by_number)[0].name
        'version_9'
    """
    return tuple(int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path.name))


def reached(done: int, limit: int | None) -> bool:
    """Whether so many epochs or steps are all; -1 and None are no limit.

    Example:
        >>> reached(3, 3), reached(3, None), reached(3, -1)
        (True, False, False)
    """
    return limit is not None and 0 <= limit <= done


def _mapping(file: Path) -> dict[str, Any]:
    """What a YAML file holds; nothing in it is run."""
    import yaml

    try:
        content = yaml.safe_load(file.read_text())
    except yaml.YAMLError as error:
        raise ValueError(f"{file}: not a readable YAML file ({error})") from error
    return content if isinstance(content, dict) else {}


def _events(folder: Path, **sizes: int) -> Any:
    """TensorBoard's view of a log, which leaves out what a resumed run did again."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), size_guidance=sizes)
    events.Reload()
    return events


def _csv_scalars(file: Path) -> dict[str, dict[int, float]]:
    """The columns of CSVLogger's file, by step; empty where there is no such file."""
    scalars: dict[str, dict[int, float]] = {}
    if file.is_file():
        with file.open(newline="") as rows:
            for row in csv.DictReader(rows):
                for name, value in row.items():
                    if name not in (None, "step") and value:
                        scalars.setdefault(name, {})[int(row["step"])] = float(value)
    return scalars
