"""Where something was written: on the line, or in which line of which configuration file."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import yaml

CONFIG_FILES = (".yaml", ".yml", ".json")
# Words of a configuration that are no options themselves: what stands below belongs to the option above.
STRUCTURE = ("class_path", "init_args", "dict_kwargs")


class Entry(NamedTuple):
    """An option in a configuration file.

    Attributes:
        place: The file and the line.
        key: The option, such as `trainer.callbacks.metrics`.
        value: What it was given; a mapping or a list is one, too.
    """

    place: str
    key: str
    value: Any


def written(line: Sequence[str], key: str, value: Any = None) -> str:
    """Where an option was written, for the beginning of a message.

    Args:
        line: The words of the line.
        key: The option, such as `data.batch_size`.
        value: What was written, where the option may stand in several places; None is whatever stands there.

    Example:
        >>> written(["--data.batch_size", "8"], "data.batch_size")
        '--data.batch_size'
    """
    on_line = any(word.split("=", 1)[0] in (f"--{key}", f"--{key}+") for word in line)
    found = [
        entry
        for file in config_files(line)
        for entry in entries(file)
        if entry.key == key and (not on_line if value is None else str(value) in (str(entry.value), repr(entry.value)))
    ]
    return f"{found[-1].place}: {key}" if found else f"--{key}"


def config_files(line: Sequence[str]) -> list[Path]:
    """The configuration files that a line names, in their order.

    Example:
        >>> config_files(["--config", "a.yaml", "--model=MoCo", "-c=b.yaml"])
        [PosixPath('a.yaml'), PosixPath('b.yaml')]
    """
    words = [word for option in line for word in option.split("=", 1)]
    return [Path(name) for option, name in pairwise(words) if option in ("--config", "-c")]


def entries(file: Path, key: str = "") -> Iterator[Entry]:
    """The options in a file and in the files that it refers to; none where it is no YAML."""
    try:
        root = yaml.compose(file.read_text(), yaml.SafeLoader)
    except (yaml.YAMLError, OSError, UnicodeDecodeError):
        return
    if root is not None:
        yield from _below(root, key, file)


def unreadable(file: Path) -> str:
    """Why a file is no configuration, and where in it; empty if it is one."""
    example = "expected options such as model:, data: and trainer:"
    try:
        root = yaml.compose(file.read_text(), yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark, tab = error.problem_mark, "'\\t'" in str(error.problem)
        place = f"{file}, line {mark.line + 1}, column {mark.column + 1}" if mark else str(file)
        return f"{place}: not valid YAML: {'indented with a tab; use blanks' if tab else error.problem}"
    except (UnicodeDecodeError, yaml.YAMLError):
        return f"{file}: not a text file"
    if root is None:
        return f"{file}: the file is empty; {example}"
    return "" if isinstance(root, yaml.MappingNode) else f"{file}: {example}, got {kind(_plain(root))}"


def kind(value: Any) -> str:
    """A value in words, short enough for a message.

    Example:
        >>> kind([1, 2]), kind({"a": 1}), kind(3), kind("x")
        ('a list', 'a mapping', '3', 'x')
    """
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a mapping"
    return "null" if value is None else str(value)


def _below(node: yaml.Node, key: str, file: Path) -> Iterator[Entry]:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            deeper = key if name.value in STRUCTURE else f"{key}.{name.value}".strip(".")
            yield Entry(f"{file}, line {name.start_mark.line + 1}", deeper, _plain(value))
            yield from _below(value, deeper, file)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield Entry(f"{file}, line {value.start_mark.line + 1}", key, _plain(value))
            yield from _below(value, key, file)
    elif str(node.value).endswith(CONFIG_FILES):
        yield from entries(file.parent / node.value, key)


def _plain(node: yaml.Node) -> Any:
    """What a node of YAML stands for; None where it would be an object of Python."""
    try:
        return yaml.SafeLoader("").construct_object(node, deep=True)
    except yaml.YAMLError:
        return None
