"""What is compared: encoders with their features and with what was measured of them, in groups of seeds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from csl.metrics import analyze
from csl.runs import CHECKPOINTS, CONFIG, Checkpoint, Run, options_of
from csl.study.foreign import checkpoint, is_foreign
from csl.study.groups import Grouping, groups
from csl.study.rows import FOLDER, Row, read_row
from csl.study.subjects import Subject, of_length_one, read_subjects, same_samples
from csl.study.sweep import measured_rows, readable

Watch = Callable[[str, float], None]


@dataclass(frozen=True)
class Entry:
    """One encoder of a comparison.

    Attributes:
        subject: Its features of the held-out images, with length 1, and the images.
        group: What it is counted under: runs that differ in nothing but their seed share one.
        rows: What was measured of its checkpoints, the one that is compared at the end.
        run: The run that it comes from; None for a file of features.
    """

    subject: Subject
    group: str
    rows: Sequence[Row]
    run: Run | None = None

    @property
    def values(self) -> Mapping[str, float]:
        """What was measured of the checkpoint that is compared."""
        return self.rows[-1].values


def read_entries(
    places: Sequence[Path],
    grouping: Grouping = "folder",
    device: str = "cpu",
    watch: Watch | None = None,
    like: Path | None = None,
) -> list[Entry]:
    """Encode the held-out images with every encoder, and collect what sweeps have measured or measure it now.

    Args:
        places: Folders of runs, checkpoints in them, or files of features.
        grouping: As in `csl.study.groups.groups`.
        device: Where to compute.
        watch: Called with what is at work and the share of it that is done.
        like: As in `csl.study.subjects.read_subjects`.

    Raises:
        ValueError: If a place is none of these.
    """
    subjects = read_subjects(places, like=like, device=device, watch=watch)
    rows, runs = zip(*(_measured(subject, device, watch, like) for subject in subjects), strict=True)
    names = groups(subjects, runs, grouping)
    return [Entry(of_length_one(subject), *one) for subject, *one in zip(subjects, names, rows, runs, strict=True)]


def without_checkpoint(places: Sequence[Path]) -> dict[str, str]:
    """Of these places, runs that broke off too early to be compared, with the reason."""
    runs = [place for place in places if (place / CONFIG).is_file() and not Run(place).checkpoint_files]
    return {str(run): "it holds no checkpoint; one is written at the end of the first epoch" for run in runs}


def apart(entries: Sequence[Entry]) -> tuple[list[Entry], dict[str, str]]:
    """Those that saw the images of the first, and, by name, why the others cannot be compared with them."""
    together, reasons = [], {}
    for entry in entries:
        try:
            same_samples([entries[0].subject, entry.subject], "val")
        except ValueError as error:
            reasons[entry.subject.name] = str(error).removeprefix("subjects: ")
        else:
            together.append(entry)
    return together, reasons


def settings(entries: Sequence[Entry]) -> dict[str, dict[str, str]]:
    """What the runs were told to do where they differ: for each option, the value of each run by its name."""
    told = {entry.subject.name: options_of(entry.run.config, str) for entry in entries if entry.run is not None}
    names = dict.fromkeys(name for options in told.values() for name in options)
    found = {name: {run: str(options.get(name, "")) for run, options in told.items()} for name in names}
    return {name: values for name, values in found.items() if len(set(values.values())) > 1}


def _measured(
    subject: Subject, device: str, watch: Watch | None, like: Path | None
) -> tuple[Sequence[Row], Run | None]:
    """What is known of an encoder's checkpoints up to this one."""
    if like is not None and is_foreign(subject.path):
        return _last(Run(subject.path.parent), [checkpoint(subject.path)], subject, device, watch, Run(like)), None
    if subject.path.parent.name != CHECKPOINTS:
        labels = subject.val.labels if subject.class_names else None
        values = {f"val/{name}": value for name, value in analyze(subject.val.features, labels, watch=watch).items()}
        return [Row(subject.path.name, 0, 0, values, 0.0)], None
    run = Run(subject.path.resolve().parent.parent)
    checkpoints = [one for one in readable(run)[0] if one.epoch <= (subject.epoch or 0)]
    known = [read_row(run.folder / FOLDER, one.path) for one in checkpoints[:-1]]
    last = _last(run, checkpoints[-1:], subject, device, watch, None)
    return [*(row for row in known if row is not None), *last], run


def _last(
    run: Run, checkpoints: Sequence[Checkpoint], subject: Subject, device: str, watch: Watch | None, like: Run | None
) -> list[Row]:
    """What was measured of the checkpoint that is compared, now or by a sweep."""
    rows, faults = measured_rows(run, checkpoints, subject.name, device, watch, like)
    if faults:
        raise ValueError(faults[0])
    return rows
