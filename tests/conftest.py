import os
from collections.abc import Iterator

# Test processes share the cores; threads that wait for each other by spinning would take them from one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch

from tests.two_processes import TwoProcesses

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def no_seed_of_another_test() -> None:
    """Lightning keeps the last `seed_everything` in the environment, where the processes of a test do not see it."""
    os.environ.pop("PL_GLOBAL_SEED", None)


@pytest.fixture(scope="session")
def two_processes() -> Iterator[TwoProcesses]:
    """Call it with a module-level function and its arguments: `[result of rank 0, result of rank 1]`."""
    processes = TwoProcesses()
    yield processes
    processes.close()
