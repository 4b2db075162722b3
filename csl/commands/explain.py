"""A parser's message, said again in terms of the names that were expected."""

import dataclasses
import importlib
import re
from collections.abc import Iterator, Sequence
from inspect import signature

from csl.commands.suggest import did_you_mean

# Lines of jsonargparse that speak of its types instead of the user's mistake.
NOISE = re.compile(
    r"Does not validate|Subtypes:|Errors:|Given value|Problem with given class_path|Parser key|"
    r"Expected a path but|Expected a <class '(NoneType|list|dict)'>|\{|Namespace\("
)


def explain(message: str, options: Sequence[str] = ()) -> str:
    """The message with a suggestion where it is about a wrong name, and without what only the parser understands.

    Args:
        message: What jsonargparse said.
        options: The names of the options that the command has.

    Example:
        >>> explain("unrecognized arguments: --data.batchsize 8", ["data.batch_size"])
        'unknown option --data.batchsize; did you mean --data.batch_size?'
    """
    key = ".".join(re.findall(r'Parser key "([\w.]+)"', message))
    class_path = (re.findall(r"Problem with given class_path '([\w.]+)'", message) or [""])[-1]
    if word := _found(r"Expected a dot import path string: ([^\s']+)", message):
        return f"--{key}: unknown name {word!r}{did_you_mean(word, _class_names(key))}"
    if word := _found(r"No module named '([\w.]+)'", message):
        return f"--{key}: no module {word!r} in the current folder or among the installed packages"
    if word := _found(r"Option '([\w.]+)' is not accepted", message):
        return f"{class_path} has no option {word!r}{did_you_mean(word, _options(class_path))}"
    if word := _found(r"unrecognized arguments: -*([\w.]+)|does not accept option '([\w.]+)'", message):
        prefix = "model." if class_path else ""
        names = [f"{prefix}{name}" for name in (_options(class_path) if class_path else options)]
        return f"unknown option --{prefix}{word}{did_you_mean(f'--{prefix}{word}', [f'--{name}' for name in names], 0)}"
    if message.startswith("No supported gpu backend"):
        return "--trainer.accelerator: no GPU was found on this machine; choose cpu or auto"
    if message.startswith("Error(s) in loading state_dict"):
        return _misfit(message)
    return _essence(message, key)


def _misfit(message: str) -> str:
    """Why the weights of a checkpoint do not fit the model: the first reason, and how many there are."""
    reasons = [line.strip() for line in message.splitlines()[1:]]
    more = f" (and {len(reasons) - 1} more like it)" if len(reasons) > 1 else ""
    return (
        f"ckpt_path: the checkpoint does not fit the model of this configuration: {reasons[0]}{more} "
        "The run's own is beside its checkpoints: --config RUN/config.yaml"
    )


def _found(pattern: str, message: str) -> str:
    match = re.search(pattern, message)
    return "" if match is None else next(group for group in match.groups() if group)


def _essence(message: str, key: str) -> str:
    """What is left of a message without the parser's own affairs, behind the key that it is about."""
    lines = [line.strip().removeprefix("- ") for line in message.splitlines()]
    text = "; ".join(line for line in lines if line and not NOISE.match(line)) or message.strip()
    text = re.sub(r'Parser key "[\w.]+": ', "", text)
    text = re.sub(r"Expected an? (?:<class '(?:\w+\.)*(\w+)'>|typing\.Literal\[(.*?)\])", _expected, text)
    text = text.replace(". Got value: ", ", got ").replace("; expected", " or")
    given = _found(r"Given value: (\S[^\n{(]*)$", message)
    return (f"--{key}: " if key else "") + text + (f", got {given}" if given and given not in text else "")


def _expected(match: re.Match[str]) -> str:
    """What was expected, without the names of Python's types for it."""
    kind, words = match.groups()
    return f"expected {kind}" if kind else f"expected one of {words.replace(chr(39), '')}"


def _class_names(key: str) -> list[str]:
    """The classes that can stand for a key of the line, by its last part."""
    from lightning.pytorch import Callback

    from csl.data import ImageSource
    from csl.encoders import Encoder
    from csl.methods import Method

    bases: dict[str, type] = {"model": Method, "source": ImageSource, "encoder": Encoder, "callbacks": Callback}
    base = bases.get(key.rpartition(".")[2])
    return [] if base is None else sorted({found.__name__ for found in _subclasses(base)})


def _subclasses(base: type) -> Iterator[type]:
    kind: type
    for kind in base.__subclasses__():
        if not kind.__name__.startswith("_"):
            yield kind
        yield from _subclasses(kind)


def _options(class_path: str) -> list[str]:
    """The constructor's arguments of a class, those of an argument's own class behind a dot."""
    module, _, name = class_path.rpartition(".")
    names = []
    for parameter in signature(getattr(importlib.import_module(module), name)).parameters.values():
        names.append(parameter.name)
        if dataclasses.is_dataclass(parameter.annotation):
            names += [f"{parameter.name}.{field.name}" for field in dataclasses.fields(parameter.annotation)]
    return names
