"""Which of the encoders that are compared count as one: runs that differ in nothing but their seed."""

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Literal

from csl.runs import Run, class_name, options_of
from csl.study.subjects import Subject

Grouping = Literal["folder", "method", "none"]

# What of a training, beside its method and its images, makes it another one.
TRAINING = ("max_epochs", "max_steps", "accumulate_grad_batches", "gradient_clip_val", "limit_train_batches")
# What of its images does not: seeds, where they lie, and how they are read.
READING = ("seed", "root", "download", "num_workers", "memory_budget", "predict_split", "on_bad_image")
NAMED = 3


def groups(subjects: Sequence[Subject], runs: Sequence[Run | None], grouping: Grouping = "folder") -> list[str]:
    """The group of each encoder, whose mean and spread are shown.

    Runs whose folders lie in one folder are one group as long as only seeds tell them apart. Where options do, such as
    the loss or the learning rate, or several checkpoints of one run are given, there is a group for each choice, which
    is named after it.

    Args:
        subjects: What is compared.
        runs: The run of each; None for a file of features, which is a group of its own.
        grouping: What runs of one group share: the folder that their folders lie in, the method, or nothing.
    """
    if grouping == "none":
        return [subject.name for subject in subjects]
    if grouping == "method":
        return [subject.name if run is None else run.method for subject, run in zip(subjects, runs, strict=True)]
    folders = [
        subject.name if run is None else run.folder.resolve().parent.name or subject.name
        for subject, run in zip(subjects, runs, strict=True)
    ]
    found = list(folders)
    for folder in dict.fromkeys(folders):
        members = [number for number, name in enumerate(folders) if name == folder and runs[number] is not None]
        choices = _choices([subjects[number] for number in members], [run for n in members if (run := runs[n])])
        for number, choice in zip(members, choices, strict=True):
            found[number] = f"{folder} ({choice})" if choice else folder
    return found


def _choices(subjects: Sequence[Subject], runs: Sequence[Run]) -> list[str]:
    """What tells each of a folder's runs from the others, but for seeds; empty where nothing does."""
    told, briefly = ([_training(run, called) for run in runs] for called in (str, class_name))
    if len({run.folder.resolve() for run in runs}) < len(runs):
        for options, subject in zip((*told, *briefly), (*subjects, *subjects), strict=True):
            options["epoch"] = str(subject.epoch)
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
    """Whether runs have several values of an option; one that a run does not know is no difference."""
    return len({one[name] for one in told if name in one}) > 1


def _words(options: Mapping[str, str], shown: Sequence[str]) -> str:
    words = [
        f"{name.removeprefix('model.').removeprefix('trainer.')} {options[name]}" for name in shown if name in options
    ]
    return ", ".join([*words[:NAMED], "…"] if len(words) > NAMED else words)


def _training(run: Run, called: Callable[[str], str]) -> dict[str, str]:
    """The options that make a run another training."""
    found = {}
    for option, value in options_of(run.config, called).items():
        section, _, name = option.partition(".")
        is_other = name in TRAINING if section == "trainer" else name.rpartition(".")[2] not in READING
        if section in ("model", "trainer", "data") and is_other:
            found[option] = str(value)
    return found
