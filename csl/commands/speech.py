"""What the program says while it works."""

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Warnings of libraries about each other that a user of csl can do nothing about.
FOREIGN_WARNINGS = (
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",
    r"Precision .* is not supported by the model summary",
    r"The number of training batches .* is smaller than the logging interval",
)
# Advertisements and remarks of libraries that tell a user of csl nothing.
UNWANTED = (
    "💡 Tip:",
    "`weights_only` was not set",
    "GPU available: False",
    "TPU available: False",
    "HPU available: False",
    "Loading `train_dataloader` to estimate",
    "Using bfloat16 Automatic Mixed Precision",
    "Using 16bit Automatic Mixed Precision",
    "Trainer already configured with model summary callbacks",
)


class BesideBars(logging.StreamHandler[Any]):
    """Writes messages above the progress bars, which are drawn again behind them."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one message."""
        with beside_bars(self.stream):
            super().emit(record)


def speak() -> None:
    """Show csl's own log lines, once and on the first process only, and drop what tells the user nothing."""
    log = logging.getLogger("csl")
    if not log.handlers and os.environ.get("LOCAL_RANK", "0") == "0":
        screen = BesideBars(sys.stderr)
        screen.setFormatter(logging.Formatter("%(message)s"))
        log.addHandler(screen)
        log.setLevel(logging.INFO)
    for message in FOREIGN_WARNINGS:
        warnings.filterwarnings("ignore", message)
    for library in ("lightning.pytorch", "lightning.fabric"):
        for handler in logging.getLogger(library).handlers:
            handler.addFilter(_is_wanted)
            if type(handler) is logging.StreamHandler:
                handler.__class__ = BesideBars  # with its stream, its format and its filters
    if warnings.showwarning is not _warn_beside_bars:
        _show[:] = [warnings.showwarning]
        warnings.showwarning = _warn_beside_bars


@contextmanager
def beside_bars(stream: Any) -> Iterator[None]:
    """Take the bars on a stream, or on the same terminal, away while something is written to it."""
    from tqdm import tqdm

    with tqdm.external_write_mode(file=stream):
        yield


_show: list[Any] = []


def _warn_beside_bars(*args: Any, **kwargs: Any) -> None:
    with beside_bars(sys.stderr):
        _show[0](*args, **kwargs)


def _is_wanted(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(UNWANTED)
