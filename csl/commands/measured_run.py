"""`csl validate RUN`, `csl test RUN` and `csl predict RUN`: a folder in place of a configuration and a checkpoint."""

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from csl.commands.errors import CommandError
from csl.commands.files import stated_by
from csl.commands.line import take_option
from csl.runs import CONFIG, Run, epoch_file

UNTRAINED = (
    "NO CHECKPOINT: what is measured is the network as it was built, UNTRAINED, with random weights. To measure a run: "
    "csl {command} RUN"
)
RUN_HELP = "Weights kept after this epoch (RunCheckpoint with keep_every_n_epochs); the last ones if not given."
JSON_HELP = "Write what was measured as JSON; - for the screen instead of the table."


@dataclass(frozen=True)
class MeasuredRun:
    """A run that is measured again, perhaps on other images.

    Attributes:
        run: Its folder.
        checkpoint: The file with the weights.
    """

    run: Run
    checkpoint: Path

    def line(self) -> list[str]:
        """The options that stand for the run's configuration and its weights.

        Its loggers are those of its training, whose folder or name is taken: what measures it again has the usual one.
        """
        file = str(self.run.folder / CONFIG)
        stated = stated_by(file).at("trainer", "logger").value
        usual = [] if stated is None or isinstance(stated, bool) else ["--trainer.logger", "null"]
        return ["--config", file, "--ckpt_path", str(self.checkpoint), *usual]

    def trained_on(self, name: str) -> int | None:
        """The number of classes ("num_classes") or channels ("num_channels"), or the image size, of the training.

        A network is built for these, whatever images it is shown later. None if the run has no record of it.
        """
        data = self.run.record.get("data", {})
        known = {
            "num_classes": len(data.get("read", {}).get("classes", {})),
            "num_channels": data.get("channels"),
            "image_size": data.get("image_size"),
        }
        return known[name] or None


def take_run(line: Sequence[str]) -> tuple[MeasuredRun | None, list[str]]:
    """The run that a line names by its folder, and the line without it; None where it names none.

    Raises:
        CommandError: If the folder holds no run, or the run has no such checkpoint.

    Example:
        >>> take_run(["--config", "a.yaml"])
        (None, ['--config', 'a.yaml'])
    """
    epochs, words = take_option(line, "--epoch")
    at = next((at for at in range(len(words)) if _is_alone(words, at)), None)
    if at is None:
        if epochs:
            raise CommandError("--epoch: expected a run's folder on the line, whose epoch that is")
        return None, words
    if epochs and not epochs[-1].isdecimal():
        raise CommandError(f"--epoch: expected the number of an epoch, got {epochs[-1]!r}")
    measured = _measured(Path(words[at]), int(epochs[-1]) if epochs else None)
    return measured, [*measured.line(), *words[:at], *words[at + 1 :]]


def _is_alone(words: Sequence[str], at: int) -> bool:
    """Whether a word is no option, nor the value of one."""
    before = words[at - 1] if at else ""
    return not words[at].startswith("-") and (not before.startswith("-") or "=" in before)


def _measured(folder: Path, epoch: int | None) -> MeasuredRun:
    run = Run(folder)
    if not (folder / CONFIG).is_file():
        raise CommandError(f"RUN: {folder} is not the folder of a run of csl fit: it holds no configuration ({CONFIG})")
    checkpoint = run.last if epoch is None else folder / epoch_file(epoch)
    if not checkpoint.is_file():
        kept = ", ".join(file.name for file in run.checkpoint_files) or "none"
        raise CommandError(f"RUN: {folder} holds no checkpoint {checkpoint.name}; there are: {kept}")
    return MeasuredRun(run, checkpoint)


def fixed(measured: MeasuredRun | None, name: str) -> Callable[[Any], Any]:
    """What a network is built for, given what the data have: that of its training where it has been trained."""
    known = None if measured is None else measured.trained_on(name)
    return lambda of_data: of_data if known is None else known


@contextmanager
def table_on(target: str | None) -> Iterator[None]:
    """Show the table on standard error where JSON is to stand on the screen; refuse a file that cannot be written.

    Raises:
        CommandError: If the folder of the file is missing.
    """
    if target not in (None, "-") and not Path(str(target)).parent.is_dir():
        raise CommandError(f"--json: no folder {Path(str(target)).parent}")
    with redirect_stdout(sys.stderr if target == "-" else sys.stdout):
        yield


def write_json(target: str, checkpoint: str | None, record: Mapping[str, Any], scalars: Mapping[str, Any]) -> None:
    """Write what was measured, with the checkpoint and the images it was measured on; null where it is no number."""
    numbers = {name: float(value) for name, value in scalars.items()}
    content = {
        "checkpoint": checkpoint,
        "data": record,
        "values": {name: value if math.isfinite(value) else None for name, value in numbers.items()},
    }
    text = json.dumps(content, indent=2, allow_nan=False)
    if target == "-":
        print(text)
    else:
        Path(target).write_text(f"{text}\n")
