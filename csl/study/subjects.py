"""What a study looks at: the encoder of a run at an epoch, or features from a file, each under a name of its own."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from csl.io import read_features
from csl.metrics.analysis import Watcher
from csl.metrics.directions import directions
from csl.pairwise.checks import check_features
from csl.runs import CHECKPOINTS, CONFIG, Checkpoint, Run, epoch_file, names_of
from csl.study.encoding import Bench
from csl.study.foreign import checkpoint, checkpoints_in, is_foreign

Part = Literal["train", "val"]


@dataclass(frozen=True)
class Encoded:
    """A set of images as an encoder sees them.

    Attributes:
        features: `[N, D]`, as the encoder gives them.
        labels: Class numbers `[N]`, from 0; −1 for all where there are none.
        names: What tells each image from the others, such as its file; None if they have no names.
        images: Gives the images at some positions `[B]`, uint8 `[B, C, H, W]`; None where there are only features.
    """

    features: Tensor
    labels: Tensor
    names: Sequence[str] | None = None
    images: Callable[[Tensor], Tensor] | None = None


@dataclass(frozen=True)
class Subject:
    """An encoder at one point of its training, or features that somebody made.

    Attributes:
        name: What it is called in tables and pictures; no two subjects have the same.
        path: The checkpoint or the file.
        epoch: The epochs that were trained; None where that is not known.
        class_names: Names of the classes; none where there are no labels.
        val: The held-out images, or the features of a file.
        train: The reference images, which probes learn from; None for a file.
        fingerprint: What the images are known by; empty where only features are known.
    """

    name: str
    path: Path
    epoch: int | None
    class_names: Sequence[str]
    val: Encoded
    train: Encoded | None = None
    fingerprint: str = ""

    def part(self, name: Part) -> Encoded:
        """One of its sets; a file has but one."""
        return self.val if name == "val" or self.train is None else self.train


def read_subjects(
    places: Sequence[Path],
    epochs: Sequence[int] = (),
    *,
    labels: Path | None = None,
    like: Path | None = None,
    device: str = "cpu",
    watch: Watcher | None = None,
) -> list[Subject]:
    """The subjects that some places stand for, in their order.

    Args:
        places: Folders of runs, checkpoints in them, or feature files of any format that `csl.io.read_features` reads.
        epochs: Which epochs of each folder; its last checkpoint if none is given.
        labels: A file with the labels of feature files that hold none.
        like: A run whose encoder is of the kind that other projects trained and whose images it is to see; files and
            folders of weights are checkpoints of such an encoder then.
        device: Where to encode.
        watch: Called with a subject's name and the share of them that is done.

    Raises:
        ValueError: If a place is none of these, a run has no such checkpoint, it cannot be read, or two are the same.

    Example:
        >>> import tempfile
        >>> from csl.io import save_features
        >>> from csl.types import Features
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     rows = Features(torch.eye(3), torch.tensor([0, 2, 2]), torch.arange(3))
        ...     _ = save_features(Path(folder) / "clip.npz", rows)
        ...     (subject,) = read_subjects([Path(folder) / "clip.npz"])
        >>> subject.name, list(subject.class_names), subject.val.labels
        ('clip.npz', ['0', '2'], tensor([0, 1, 1]))
    """
    files = [found for place in places for found in _files(place, epochs, like)]
    benches: dict[tuple[Path, bool], Bench] = {}
    subjects = []
    for number, (file, name) in enumerate(zip(files, distinct_names(files), strict=True)):
        if watch is not None:
            watch(name, number / len(files))
        foreign = like is not None and is_foreign(file)
        run = Run(like) if like is not None and foreign else _run_of(file)
        if run is None:
            subjects.append(_from_file(file, name, labels))
            continue
        key = run.folder, foreign
        bench = benches.setdefault(key, benches.get(key) or Bench(run, device=device, foreign=foreign))
        subjects.append(_from_run(bench, checkpoint(file) if foreign else Checkpoint.read(file), name))
    return subjects


def same_samples(subjects: Sequence[Subject], part: Part) -> None:
    """Raise a `ValueError` unless all subjects saw the same images, in the same order."""
    first = subjects[0]
    for other in subjects[1:]:
        a, b = first.part(part), other.part(part)
        known = bool(first.fingerprint and other.fingerprint)
        if not torch.equal(a.labels, b.labels) or (known and first.fingerprint != other.fingerprint):
            raise ValueError(
                f"subjects: expected the same images for all, got others for {other.name} ({len(b.labels):,}) than for "
                f"{first.name} ({len(a.labels):,})"
            )


def distinct_names(files: Sequence[Path]) -> list[str]:
    """A name for each file: its run's and the epoch, or its own, as long as it takes to tell all apart.

    Raises:
        ValueError: If a file is there twice.

    Example:
        >>> runs = [Path(f"logs/{name}/version_0/checkpoints/last.ckpt") for name in ("byol", "moco")]
        >>> distinct_names([*runs, Path("logs/byol/version_0/checkpoints/epoch_0010.ckpt"), Path("features/clip.npz")])
        ['byol/version_0', 'moco/version_0', 'byol/version_0 epoch 10', 'clip.npz']
    """
    resolved = [file.resolve() for file in files]
    for file, place in zip(files, resolved, strict=True):
        if resolved.count(place) > 1:
            raise ValueError(f"subjects: expected different ones, got {file} twice")
    places = [place.parent.parent if place.parent.name == CHECKPOINTS else place for place in resolved]
    known = dict(zip(dict.fromkeys(places), names_of(list(dict.fromkeys(places))), strict=True))
    return [f"{known[place]}{_epoch(file)}" for place, file in zip(places, resolved, strict=True)]


def _epoch(file: Path) -> str:
    """What a checkpoint's name says of its epoch; nothing for the last one, and for a file of features."""
    epoch = file.stem.removeprefix("epoch_")
    if file.parent.name != CHECKPOINTS or file.stem == "last":
        return ""
    return f" epoch {int(epoch)}" if epoch.isdecimal() else f" {file.stem}"


def _files(place: Path, epochs: Sequence[int], like: Path | None) -> Iterator[Path]:
    """The checkpoints or the one file of features that a place stands for."""
    if (place / CONFIG).is_file():
        run = Run(place)
        wanted = [place / epoch_file(epoch) for epoch in epochs] or [run.last]
        for file in wanted:
            if not file.is_file():
                kept = ", ".join(path.name for path in run.checkpoint_files) or "none"
                raise ValueError(f"{place}: expected a checkpoint {file.name}; there are: {kept}")
            yield file
    elif like is not None and place.is_dir():
        yield from _foreign_files(place, epochs)
    elif not place.exists():
        raise ValueError(f"{place}: no such run, checkpoint or file of features{_nearest(place)}")
    elif place.is_dir():
        expected = "a run's folder, a checkpoint in one, or a file of features"
        raise ValueError(f"{place}: expected {expected}, got a folder that is no run")
    else:
        yield place


def _nearest(place: Path) -> str:
    """A clause that offers what is there and has nearly the name of what is not."""
    missing = next(part for part in (*reversed(place.parents), place) if not part.exists())
    names = [entry.name for entry in missing.parent.iterdir()] if missing.parent.is_dir() else []
    near = get_close_matches(missing.name, names, n=1)
    return f"; did you mean {missing.parent / near[0] / place.relative_to(missing)}?" if near else ""


def _foreign_files(folder: Path, epochs: Sequence[int]) -> Iterator[Path]:
    found = {one.epoch: one.path for one in checkpoints_in(folder)}
    if not found:
        raise ValueError(f"{folder}: expected files of weights, got none")
    for epoch in epochs or [max(found)]:
        if epoch not in found:
            raise ValueError(f"{folder}: expected weights of epoch {epoch}; there are: {', '.join(map(str, found))}")
        yield found[epoch]


def _run_of(file: Path) -> Run | None:
    """The run that a checkpoint lies in; None for a file of features."""
    if file.suffix != ".ckpt":
        return None
    folder = file.resolve().parent.parent
    if not (folder / CONFIG).is_file():
        raise ValueError(
            f"{file}: expected a checkpoint in the folder of its run, which holds {CONFIG}; for one that another "
            "project wrote, name a run with such an encoder: --like RUN"
        )
    return Run(folder)


def _from_run(bench: Bench, checkpoint: Checkpoint, name: str) -> Subject:
    file, data = checkpoint.path, bench.data
    train, val = (
        Encoded(rows.values.cpu(), rows.labels.cpu(), data.file_names(part), partial(data.images, part))
        for part, rows in zip(("reference", "val"), bench.features(file), strict=True)
    )
    has_labels = bool((val.labels >= 0).any())
    names = tuple(data.class_names) if has_labels else ()
    return Subject(name, file, checkpoint.epoch, names, val, train, str(data.record.fingerprint))


def _from_file(file: Path, name: str, labels: Path | None) -> Subject:
    table = read_features(file, labels)
    names = table.names or None
    if table.labels is None:
        return Subject(name, file, None, (), Encoded(table.values, torch.full((len(table.values),), -1), names))
    known, numbers = torch.unique(table.labels, return_inverse=True)
    words = [table.classes[number] if table.classes else str(number) for number in known.tolist()]
    return Subject(name, file, None, tuple(words), Encoded(table.values, numbers, names))


def of_length_one(subject: Subject) -> Subject:
    """The subject with features of length 1, as csl measures them.

    Raises:
        ValueError: If features are NaN or infinite; it names the subject.
    """

    def scaled(rows: Encoded) -> Encoded:
        check_features(rows.features, name=subject.name)
        return replace(rows, features=directions(rows.features, torch.float32))

    return replace(subject, val=scaled(subject.val), train=None if subject.train is None else scaled(subject.train))
