"""What the program says while it works."""

import logging
import os
import sys
import warnings

# Warnings of libraries about each other that a user of csl can do nothing about.
FOREIGN_WARNINGS = (r"`isinstance\(treespec, LeafSpec\)` is deprecated",)
# Advertisements and remarks of libraries that tell a user of csl nothing.
UNWANTED = ("💡 Tip:", "`weights_only` was not set", "TPU available: False")


def speak() -> None:
    """Show csl's own log lines, once and on the first process only, and drop what tells the user nothing."""
    log = logging.getLogger("csl")
    if not log.handlers and os.environ.get("LOCAL_RANK", "0") == "0":
        screen = logging.StreamHandler(sys.stderr)
        screen.setFormatter(logging.Formatter("%(message)s"))
        log.addHandler(screen)
        log.setLevel(logging.INFO)
    for message in FOREIGN_WARNINGS:
        warnings.filterwarnings("ignore", message)
    for library in ("lightning.pytorch", "lightning.fabric"):
        for handler in logging.getLogger(library).handlers:
            handler.addFilter(_is_wanted)


def _is_wanted(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(UNWANTED)
