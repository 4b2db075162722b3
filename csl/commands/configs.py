"""The configurations that csl brings along, by their names: `--config cifar10`."""

import os
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

CONFIGS = Path(str(files("csl"))) / "configs"
OPTIONS = ("--config", "-c")
# The file of a folder that the folder's name stands for.
EXPERIMENT = "simclr.yaml"


def named_configs() -> dict[str, Path]:
    """The files by their names.

    Example:
        >>> list(named_configs())
        ['cifar10', 'cifar10/cpu', 'digits', 'digits/reference', 'mnist', 'mnist/vit', 'panel']
    """
    found = {}
    for file in CONFIGS.rglob("*.yaml"):
        own = file.parent if file.name == EXPERIMENT else file.with_suffix("")
        found[own.relative_to(CONFIGS).as_posix()] = file
    return dict(sorted(found.items()))


def with_named_configs(line: Sequence[str]) -> list[str]:
    """A line with files in place of the names of configurations; a file of the user's own goes before a name.

    Example:
        >>> with_named_configs(["--config", "mine.yaml", "--seed_everything", "1"])
        ['--config', 'mine.yaml', '--seed_everything', '1']
    """
    words, after_option = [], False
    for word in line:
        option, equals, value = word.partition("=")
        if after_option:
            words.append(_file(word))
        else:
            words.append(f"{option}={_file(value)}" if equals and option in OPTIONS else word)
        after_option = not after_option and word in OPTIONS
    return words


def _file(value: str) -> str:
    known = named_configs()
    return str(known[value]) if value in known and not os.path.isfile(value) else value
