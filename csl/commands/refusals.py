"""Refusals of what was built from a configuration, said again in terms of its options."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import yaml

from csl.commands.places import config_files, entries, written
from csl.commands.suggest import did_you_mean

REFUSAL = re.compile(r"([\w.]+): (expected .*, got (\S+).*)", re.DOTALL)
NO_NAME = re.compile(r"You selected an invalid (strategy|accelerator) name: `\w+='(.*?)'`")
MONITOR = re.compile(
    r"Early stopping conditioned on metric `(.*?)` which is not available.*following: (.*)|"
    r"`ModelCheckpoint\(monitor='(.*?)'\)` could not find the monitored key in the returned metrics: \[(.*)\]\.",
    re.DOTALL,
)
DEVICES = ("`devices` selected with", "`Trainer(devices=")


def explain_refusal(message: str, line: Sequence[str] = (), builds: str = "") -> str:
    """A refusal behind the option that it is about, where one option was given that value; another's in our words.

    Args:
        message: What was raised.
        line: The words behind the command.
        builds: The class whose constructor raised it; empty for none.

    Example:
        >>> explain_refusal("width: expected a positive number, got -1", ["--model.encoder.width", "-1"])
        '--model.encoder.width: expected a positive number, got -1'
        >>> explain_refusal("width: expected a positive number, got -1")
        'width: expected a positive number, got -1'
        >>> explain_refusal("width: expected a positive number, got -1", builds="ResNet")
        'ResNet: width: expected a positive number, got -1'
    """
    if message.startswith("No supported gpu backend"):
        return "--trainer.accelerator: no GPU was found on this machine; choose cpu or auto"
    if message.startswith("Error(s) in loading state_dict"):
        return _misfit(message)
    if message.startswith(DEVICES):
        return "--trainer.devices: expected 1 or more processes, or auto" + _got(line, "trainer.devices")
    if message.startswith("Expected more than 1 value per channel"):
        return "--data.batch_size: expected 2 or more images for each process, which batch norm compares, got 1"
    if found := MONITOR.match(message):
        return _monitor(*(part for part in found.groups() if part is not None), line=line)
    if found := NO_NAME.match(message):
        hint = did_you_mean(found[2], _names(found[1]), 0)
        return f"{written(line, f'trainer.{found[1]}', found[2])}: unknown name {found[2]!r}{hint}"
    if found := REFUSAL.fullmatch(message):
        name, said, value = found.groups()
        keys = {key for key, given in _given(line) if f".{key}".endswith(f".{name}") and _same(given, value)}
        if len(keys) == 1:
            return f"{written(line, key := keys.pop(), _as_written(line, key, value))}: {said}"
    return f"{builds}: {message}" if builds and builds not in message else message


def _given(line: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """The options on the line and in its files, with their values."""
    words = [word for option in line for word in (option.split("=", 1) if option.startswith("--") else [option])]
    for option, value in pairwise(words):
        if option.startswith("--"):
            yield option.removeprefix("--"), value
    for file in config_files(line):
        for entry in entries(file):
            yield entry.key, entry.value


def _as_written(line: Sequence[str], key: str, value: str) -> Any:
    return next(given for name, given in _given(line) if name == key and _same(given, value))


def _same(given: Any, value: str) -> bool:
    """Whether a value is the one that a message names."""
    try:
        return bool(yaml.safe_load(str(given)) == yaml.safe_load(value.rstrip(",;.")))
    except yaml.YAMLError:
        return False


def _got(line: Sequence[str], key: str) -> str:
    values = [value for name, value in _given(line) if name == key]
    return f", got {values[-1]}" if values else ""


def _names(what: str) -> list[str]:
    """What Lightning knows by name."""
    from lightning.pytorch.accelerators import AcceleratorRegistry
    from lightning.pytorch.strategies import StrategyRegistry

    if what == "strategy":
        return ["auto", *StrategyRegistry.available_strategies()]
    return ["auto", "gpu", *AcceleratorRegistry.available_accelerators()]


def _monitor(name: str, known: str, *, line: Sequence[str]) -> str:
    """What can be monitored in place of a name that nothing has, without what only says how long things take."""
    names = [word for word in re.findall(r"[\w./-]+", known) if not word.startswith(("wall_seconds/", "epoch", "step"))]
    hint = did_you_mean(name, names, 0)
    place = written(line, "trainer.callbacks.monitor", name)
    return f"{place}: expected what this run logs ({', '.join(sorted(names))}), got {name!r}{hint}"


def _misfit(message: str) -> str:
    """Why the weights of a checkpoint do not fit the model: the first reason, and how many there are."""
    reasons = [line.strip() for line in message.splitlines()[1:]]
    more = f" (and {len(reasons) - 1} more like it)" if len(reasons) > 1 else ""
    return (
        f"ckpt_path: the checkpoint does not fit the model of this configuration: {reasons[0]}{more} "
        "A run's folder knows what it was trained with: csl validate RUN"
    )
