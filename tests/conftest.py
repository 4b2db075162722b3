from collections.abc import Iterator

import pytest

from tests.two_processes import TwoProcesses


@pytest.fixture(scope="session")
def two_processes() -> Iterator[TwoProcesses]:
    """Call it with a module-level function and its arguments: `[result of rank 0, result of rank 1]`."""
    processes = TwoProcesses()
    yield processes
    processes.close()
