"""Several tiles at a time, each by one worker: what a CPU's cores do best with the many small steps of a tile."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor

_MOST = 8  # workers, each with its own memory for a tile; what more threads there are help them
_AHEAD = 8  # items a worker may be ahead of the first that is not done: some take a tenth of the time of others

Item = TypeVar("Item")
Result = TypeVar("Result")
Buffers = tuple[Tensor, Tensor]


class Memory:
    """What one worker computes in: a tile's distances and two buffers, the same memory for every tile.

    Args:
        entries: How many distances a tile has at most.
        device: Where.
    """

    def __init__(self, entries: int, device: torch.device) -> None:
        # Workers do not share the caller's inference mode, outside of which inference tensors cannot be written to.
        with torch.inference_mode(False):
            self._flat = [torch.empty(entries, device=device) for _ in range(3)]

    def tile(self, shape: Sequence[int]) -> Tensor:
        """Memory for the distances of a tile."""
        return self._view(0, shape)

    def buffers(self, shape: Sequence[int]) -> Buffers:
        """Two buffers of the shape of a tile."""
        return self._view(1, shape), self._view(2, shape)

    def _view(self, which: int, shape: Sequence[int]) -> Tensor:
        return self._flat[which][: shape[0] * shape[1]].view(shape)


def worker_count(device: torch.device) -> int:
    """How many workers a device is given: on CPUs as many as torch has threads, up to eight, elsewhere one."""
    return min(torch.get_num_threads(), _MOST) if device.type == "cpu" else 1


def with_memory(
    work: Callable[[Item, Memory], Result], items: Iterable[Item], entries: int, device: torch.device, workers: int
) -> Iterator[Result]:
    """`in_order`, of work that is given an item and memory for tiles of so many entries, its own while it works."""
    # As many as there are workers, so that one is always free.
    free = [Memory(entries, device) for _ in range(workers)]

    def run(item: Item) -> Result:
        memory = free.pop()
        try:
            return work(item, memory)
        finally:
            free.append(memory)

    yield from in_order(run, items, workers)


def in_order(work: Callable[[Item], Result], items: Iterable[Item], workers: int = 1) -> Iterator[Result]:
    """`work` of each item, in the order of the items, whichever is done first: sums do not depend on who was quick.

    Torch's threads are shared out among the workers. Where every operation on a tile is shared out instead, threads
    wait for each other after each. Gradients are off in the workers; what else a thread can be set to, the caller's
    inference mode or default device, does not reach them.

    Args:
        work: Called by the workers with an item each; what it returns should be small, for some results wait.
        items: Asked for by the caller's thread, a few ahead of the results.
        workers: How many; one is the caller's own thread.

    Example:
        >>> list(in_order(lambda item: item**2, range(5), workers=2))
        [0, 1, 4, 9, 16]
    """
    if workers == 1:
        yield from map(work, items)
        return
    with _pool(workers) as pool:
        begun: deque[Future[Result]] = deque()
        for item in items:
            begun.append(pool.submit(work, item))
            if len(begun) >= _AHEAD * workers:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()


@contextmanager
def _pool(workers: int) -> Iterator[ThreadPoolExecutor]:
    """Workers that have torch's threads between them."""
    threads = torch.get_num_threads()
    started = threading.Barrier(workers + 1)

    def start() -> None:
        torch.get_num_threads()  # what a thread asks first would otherwise undo what it was told before
        torch.set_num_threads(max(1, threads // workers))
        torch.set_grad_enabled(False)
        started.wait()

    pool = ThreadPoolExecutor(workers, thread_name_prefix="csl-tile", initializer=start)
    try:
        try:
            for _ in range(workers):
                pool.submit(int)
            started.wait()
        except BaseException:
            started.abort()  # lets go of workers that wait for one that could not be started
            raise
        finally:
            # A thread that has been told keeps its number; the others follow the last that was told anywhere.
            torch.set_num_threads(threads)
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
