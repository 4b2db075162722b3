"""Relative local density on one process with one thread, on one with two, and on two processes with one thread each.

All three take turns on the same features, and so do the bare matrix products of the tiles, each pair of blocks once,
which exchange nothing: what they gain from a second core is what this machine has to give.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from itertools import combinations_with_replacement
from typing import Any, NamedTuple

import torch
import torch.multiprocessing as mp
from torch import Tensor

from benchmarks.machine import report
from benchmarks.rld import TEMPERATURES
from benchmarks.rld_contenders import features
from csl.table import Table

ALONE, THREADS, TWO = "1 process, 1 thread", "1 process, 2 threads", "2 processes, 1 thread each"
BLOCK = 1024  # rows of a tile of the bare products
Work = Callable[[Tensor, Tensor, Any], Tensor]  # of own rows, their labels and the group of processes


class Measured(NamedTuple):
    """One round of one set-up.

    Attributes:
        seconds: Until the last process was done.
        cpu: Seconds of all cores together.
        values: What was computed.
    """

    seconds: float
    cpu: float
    values: list[float]


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--samples", type=int, default=10_000, help="N")
    parser.add_argument("--dimension", type=int, default=512, help="D")
    parser.add_argument("--rounds", type=int, default=10, help="how many rounds there are")
    args = parser.parse_args()
    found = {name: measured(name, args) for name in WORK}
    alone, two = (found["RLD"][setup][0].values for setup in (ALONE, TWO))
    apart = max(abs(a - b) for a, b in zip(alone, two, strict=True))
    report(
        "rld_processes",
        "Relative local density on two processes",
        f"python -m benchmarks.rld_processes --samples {args.samples} --dimension {args.dimension} "
        f"--rounds {args.rounds}",
        f"N = {args.samples:,}, D = {args.dimension}, T = 1.0, 0.2, 0.1; {args.rounds} rounds in turns. Share: of the "
        f"time of one process with one thread.\n\n{table(found)}\n\nThe values of one process and of two differ by "
        f"{apart:.1e}. The bare products are those of the tiles alone: they exchange nothing, so their share is what "
        "a second core of this machine gives.",
    )


def table(found: dict[str, dict[str, list[Measured]]]) -> str:
    """Fastest and middle round of every work on every set-up."""
    header = ["", "set-up", "fastest (s)", "share", "median (s)", "share", "CPU seconds"]
    return Table(header, [row for name, setups in found.items() for row in _rows(name, setups)]).markdown()


def _rows(name: str, setups: dict[str, list[Measured]]) -> list[list[str]]:
    alone = [one.seconds for one in setups[ALONE]]
    rows = []
    for setup, rounds in setups.items():
        times, cells = [one.seconds for one in rounds], []
        for of in (min, statistics.median):
            cells += [f"{of(times):.2f}", f"{of(times) / of(alone):.2f}"]
        rows.append([name, setup, *cells, f"{min(one.cpu for one in rounds):.2f}"])
    return rows


def measured(name: str, args: argparse.Namespace) -> dict[str, list[Measured]]:
    """All rounds of one work, by set-up."""
    context = mp.get_context("spawn")
    os.environ.update({"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(20_000 + os.getpid() % 20_000)})
    turns, queue = context.Barrier(3), context.SimpleQueue()
    children = [context.Process(target=_child, args=(rank, name, args, turns, queue)) for rank in range(2)]
    for child in children:
        child.start()
    x, y = features("ordinary", args.samples, args.dimension)
    found: dict[str, list[Measured]] = {ALONE: [], THREADS: [], TWO: []}
    turns.wait()  # the others have imported, too, and are idle while this process works
    for _ in range(args.rounds):
        for threads, setup in ((1, ALONE), (2, THREADS)):
            torch.set_num_threads(threads)
            found[setup].append(once(WORK[name], x, y, None))
        turns.wait()
        parts = [queue.get() for _ in children]
        found[TWO].append(Measured(max(p.seconds for p in parts), sum(p.cpu for p in parts), parts[0].values))
    for child in children:
        child.join()
    return found


def once(work: Work, x: Tensor, y: Tensor, group: Any) -> Measured:
    """Do it and take the time."""
    start, cpu = time.perf_counter(), time.process_time()
    values = work(x, y, group)
    return Measured(time.perf_counter() - start, time.process_time() - cpu, values.tolist())


def _child(rank: int, name: str, args: argparse.Namespace, turns: Any, queue: Any) -> None:
    from csl.distributed import barrier, shard, world

    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", rank=rank, world_size=2)
    x, y = features("ordinary", args.samples, args.dimension)
    if name == "RLD":  # of which each process holds its own rows
        own = shard(len(x), world())
        x, y = x[own].clone(), y[own].clone()
    WORK[name](x[:250], y[:250], world())
    turns.wait()
    for _ in range(args.rounds):
        turns.wait()
        barrier(world())
        queue.put(once(WORK[name], x, y, world()))
        barrier(world())
    torch.distributed.destroy_process_group()


def rld(x: Tensor, y: Tensor, group: Any) -> Tensor:
    """Ours."""
    from csl.metrics.functional import relative_local_density

    return relative_local_density(x, y, TEMPERATURES, group=group)


def products(x: Tensor, y: Tensor, group: Any) -> Tensor:
    """The product of every pair of blocks once, the pairs dealt out to the processes."""
    from csl.distributed import rank, size

    blocks = x.split(BLOCK)  # type: ignore[no-untyped-call]
    out = torch.empty(BLOCK, BLOCK)
    for i, j in list(combinations_with_replacement(blocks, 2))[rank(group) :: size(group)]:
        torch.mm(i, j.T, out=out[: len(i), : len(j)])
    return out[:1, 0]


WORK: dict[str, Work] = {"RLD": rld, "bare products": products}


if __name__ == "__main__":
    main()
