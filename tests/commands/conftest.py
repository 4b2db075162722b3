"""Commands run inside the test process: what they leave behind there is cleared away."""

import signal
import sys
from collections.abc import Iterator

import pytest
from tensorboard.summary.writer import event_file_writer

# Logs of one process and second are told apart by a number and read in the order of their names: a run that was resumed
# within a second of its start would be read backwards when the number grows by a digit.
event_file_writer._global_uid = event_file_writer.AtomicCounter(1000)


@pytest.fixture(autouse=True)
def clean_process() -> Iterator[None]:
    """Forget the current folder's place on `sys.path`, modules imported from it, and what signals were made to do."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    users = set(path) ^ set(sys.path)
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if any(file.startswith(f"{folder}/") for folder in users):
            del sys.modules[name]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
