"""Commands run inside the test process: what they leave behind there is cleared away."""

import signal
import sys
from collections.abc import Iterator

import pytest


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
