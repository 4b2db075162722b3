"""Which of the encoders that are compared count as one: runs that differ in nothing but their seed."""

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Literal

from csl.runs import Run, class_name, names_of, options_of
from csl.study.subjects import Subject

Grouping = Literal["folder", "method", "none"]

# What of a training, beside its method and its images, makes it another one.
TRAINING = (
    *("max_epochs", "max_steps", "max_time", "limit_train_batches", "overfit_batches"),
    *("accumulate_grad_batches", "gradient_clip_val", "gradient_clip_algorithm"),
)
# What of its images does not: seeds, where they lie, and how they are read.
READING = ("seed", "root", "download", "num_workers", "memory_budget", "predict_split", "on_bad_image")
NAMED, LONGEST = 3, 40  # differences that a name tells, and letters of each


def groups(subjects: Sequence[Subject], runs: Sequence[Run | None], grouping: Grouping = "folder") -> list[str]:
    """The group of each encoder, whose mean and spread are shown.

    Runs whose folders lie in one folder are one group if nothing but seeds tells them apart, and what makes no other
    training: devices, precision, monitors, where images lie. Where options do, such as the loss or the learning rate,
    or checkpoints of several epochs are given, or a run broke off, there is a group for each, which is named after it.

    Args:
        subjects: What is compared.
        runs: The run of each; None for a file of features, which is a group of its own.
        grouping: What runs of one group share: the folder that their folders lie in, the method, or nothing.
    """
    if grouping == "none":
        return [subject.name for subject in subjects]
    if grouping == "method":
        return [subject.name if run is None else run.method for subject, run in zip(subjects, runs, strict=True)]
    found = [subject.name for subject in subjects]
    inside: dict[Path, dict[int, Run]] = {}
    for number, run in enumerate(runs):
        if run is not None:
            inside.setdefault(run.folder.resolve().parent, {})[number] = run
    for folder, name in zip(inside, _names(list(inside)), strict=True):
        members = inside[folder]
        choices = _choices([subjects[number] for number in members], list(members.values()))
        for number, choice in zip(members, choices, strict=True):
            found[number] = f"{name} ({choice})" if choice else name
    return found


def _names(folders: Sequence[Path]) -> list[str]:
    """What folders are called: by their own names, or by more of their paths where two have the same."""
    names = [folder.name for folder in folders]
    return names if len(set(names)) == len(names) else names_of(folders)


def _choices(subjects: Sequence[Subject], runs: Sequence[Run]) -> list[str]:
    """What tells each of a folder's runs from the others, but for seeds; empty where nothing does."""
    told, briefly = (
        [_training(run, called) | _point(subject, run) for subject, run in zip(subjects, runs, strict=True)]
        for called in (str, class_name)
    )
    names = [name for name in dict.fromkeys(name for one in told for name in one) if _differs(name, told)]
    choices = [tuple(one.get(name) for name in names) for one in told]
    different = list(dict.fromkeys(choices))
    if len(different) < 2:
        return [""] * len(runs)
    # A class by its name alone, and without its options, if that tells all apart.
    outer = [name for name in names if not any(name.startswith(f"{other}.") for other in names)]
    for options_of_runs, shown in product((briefly, told), (outer, names)):
        words = [_words(options, shown) for options in options_of_runs]
        if len(set(zip(choices, words, strict=True))) == len(set(words)) == len(different):
            return words
    return [f"{word}; {different.index(choice) + 1}" for word, choice in zip(words, choices, strict=True)]


def _differs(name: str, told: Sequence[Mapping[str, str]]) -> bool:
    return len({one.get(name) for one in told}) > 1


def _point(subject: Subject, run: Run) -> dict[str, str]:
    """Where in its training a run is looked at: at which checkpoint, and how it ended."""
    legs = run.record.get("legs") or [{"status": "finished"}]
    ended = "finished" if (status := legs[-1]["status"]) == "finished" else f"{status} after epoch {subject.epoch}"
    return {"checkpoint": subject.path.stem, "training": ended}


def _words(options: Mapping[str, str], shown: Sequence[str]) -> str:
    words = []
    for name in shown:
        has_parts = any(option.startswith(f"{name}.") for option in options)
        if value := options.get(name, "given" if has_parts else ""):
            words.append(f"{name.removeprefix('model.').removeprefix('trainer.')} {_cut(value)}")
    return ", ".join([*words[:NAMED], "…"] if len(words) > NAMED else words)


def _cut(value: str) -> str:
    return value if len(value) <= LONGEST else f"{value[:LONGEST]}…"


def _training(run: Run, called: Callable[[str], str]) -> dict[str, str]:
    """The options that make a run another training."""
    found = {}
    for option, value in options_of(run.config, called).items():
        section, _, name = option.partition(".")
        is_other = name in TRAINING if section == "trainer" else name.rpartition(".")[2] not in READING
        if section in ("model", "trainer", "data") and is_other:
            found[option] = str(int(value) if isinstance(value, float) and value.is_integer() else value)
    callbacks = (run.config.get("trainer") or {}).get("callbacks") or []
    callbacks = [callbacks] if isinstance(callbacks, Mapping) else callbacks  # one may stand alone
    others = [one for one in callbacks if not str(one.get("class_path", "")).startswith("csl.")]
    return found | {f"callback {one.get('class_path')}": str(one.get("init_args") or "given") for one in others}
