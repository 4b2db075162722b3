"""Two long-lived gloo processes for tests of distributed code: a start costs seconds, so it is paid once a session."""

import os
import socket
from collections.abc import Callable, Sequence
from multiprocessing.pool import Pool
from typing import Any

import torch
import torch.multiprocessing as mp
from torch import Tensor

from csl.distributed import shard, world

NUM_PROCESSES = 2


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _join(port: int, ranks: Any) -> None:
    torch.set_num_threads(1)
    os.environ.update({"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)})
    torch.distributed.init_process_group("gloo", rank=ranks.get(), world_size=NUM_PROCESSES)


def _call(function: Callable[..., Any], args: tuple[Any, ...]) -> tuple[int, Any]:
    return torch.distributed.get_rank(), function(*args)


class TwoProcesses:
    """Runs a module-level function on both ranks at once and returns `[result of rank 0, result of rank 1]`."""

    def __init__(self) -> None:
        context = mp.get_context("spawn")
        ranks = context.SimpleQueue()
        for rank in range(NUM_PROCESSES):
            ranks.put(rank)
        self._pool: Pool = context.Pool(NUM_PROCESSES, _join, (_free_port(), ranks))

    def __call__(self, function: Callable[..., Any], *args: Any, timeout: float = 120.0) -> list[Any]:
        # Both calls block in their first collective until the other has been taken up, so one process cannot take both.
        pending = self._pool.starmap_async(_synchronised, [(function, args)] * NUM_PROCESSES, chunksize=1)
        return [result for _, result in sorted(pending.get(timeout), key=lambda pair: pair[0])]

    def sharded(
        self,
        function: Callable[..., Any],
        tensors: Sequence[Tensor],
        *args: Any,
        cut: int | None = None,
        **named: Any,
    ) -> list[Any]:
        """The same for a function of rows and a group: each process gives its own rows of these tensors.

        Args:
            function: Called with the rows, then `args` and `named`, and `group`.
            tensors: All rows.
            args: Of the function, behind the rows.
            cut: The row at which the second process begins; in the middle unless told otherwise.
            named: Of the function.
        """
        return self(_of_own_rows, function, tensors, cut, args, named)

    def close(self) -> None:
        self._pool.terminate()
        self._pool.join()


def _of_own_rows(
    function: Callable[..., Any], tensors: Sequence[Tensor], cut: int | None, args: Any, named: dict[str, Any]
) -> Any:
    parts = [(slice(0, cut), slice(cut, None))[torch.distributed.get_rank()]] * len(tensors)
    if cut is None:
        parts = [shard(len(tensor), world()) for tensor in tensors]
    own = (tensor[part] for tensor, part in zip(tensors, parts, strict=True))
    return function(*own, *args, group=world(), **named)


def _synchronised(function: Callable[..., Any], args: tuple[Any, ...]) -> tuple[int, Any]:
    torch.distributed.barrier()
    return _call(function, args)
