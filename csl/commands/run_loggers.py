"""Where a run's scalars and pictures go: the loggers that are stated, or TensorBoard's in the run's own folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from lightning.pytorch.loggers import Logger, TensorBoardLogger

from csl.commands.files import stated_by
from csl.commands.line import has_option, take_option

LOGGER = "lightning.pytorch.loggers.TensorBoardLogger"


def run_loggers(given: Any, place: Path, trainer: Namespace, line: Sequence[str]) -> list[Logger]:
    """The loggers that are stated; TensorBoard's where none is.

    Args:
        given: The Trainer's argument `logger`, built.
        place: Where runs like this one are numbered.
        trainer: The Trainer's configuration, in which the run's own logger is stated beside those that are added to it.
        line: The command's options.
    """
    own = TensorBoardLogger(place.parent, name=place.name, default_hp_metric=False)
    if given in (None, True):
        return [own]
    if _adds_a_logger(line):  # what is added is all that is stated, so that the one it is added to must be, too
        stated = {"save_dir": str(place.parent), "name": place.name, "default_hp_metric": False}
        entry = Namespace(class_path=LOGGER, init_args=Namespace(stated))  # type: ignore[no-untyped-call]
        trainer["logger"] = [entry, *as_list(trainer["logger"])]
        return [own, *as_list(given)]
    return [] if given is False else as_list(given)


def as_list(value: Any) -> list[Any]:
    """What the Trainer takes as nothing, as one, or as several.

    Example:
        >>> as_list(None), as_list("one"), as_list(("one", "two"))
        ([], ['one'], ['one', 'two'])
    """
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _adds_a_logger(line: Sequence[str]) -> bool:
    """Whether the line adds loggers to the one that a run has by itself."""
    files, rest = take_option(line, "--config", "-c")
    stated = any(stated_by(file).at("trainer", "logger").value not in (None, True) for file in files)
    return not stated and has_option(rest, "--trainer.logger+") and not has_option(rest, "--trainer.logger")
