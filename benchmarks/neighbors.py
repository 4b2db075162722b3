"""The exact search for nearest neighbours beside faiss's, in turns.

    python -m benchmarks.neighbors --size 20000 --dimension 512

faiss is compared where it is installed: pip install faiss-cpu. Its IndexFlatIP multiplies rows of length 1 in float32;
csl finds the same neighbours, and those in tight clumps, too, where such products have no digits left.
"""

import argparse
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from benchmarks.machine import report
from benchmarks.panel import features
from csl.metrics.samples import Samples
from csl.table import Table

Search = Callable[[Tensor, int], Tensor]


def main() -> None:
    """Measure every k."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=20_000, help="number of samples N")
    parser.add_argument("--dimension", type=int, default=512, help="dimension D")
    parser.add_argument("--rounds", type=int, default=3, help="repetitions, of which the fastest counts")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="threads of either")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    x, _ = features(options.size, options.dimension)
    other = faiss_search(options.threads)
    rows = [row(x, k, other, options.rounds) for k in (20, 100)]
    line = f"python -m benchmarks.neighbors --size {options.size} --dimension {options.dimension}"
    header = ["k", "csl, s", "CPU s", "faiss, s", "CPU s", "csl / faiss, s", "CPU s", "same neighbours"]
    missing = "" if other else "\n\nfaiss is not installed: pip install faiss-cpu"
    report(
        "neighbors",
        f"The nearest of {options.size:,} samples of {options.dimension} dimensions",
        f"{line} --rounds {options.rounds} --threads {options.threads}",
        f"Fastest of {options.rounds} rounds in turns; CPU seconds are those of all threads.\n\n"
        + Table(header, rows).markdown()
        + missing,
    )


def row(x: Tensor, k: int, other: Search | None, rounds: int) -> list[str]:
    """One line of the table."""
    searches = [ours] if other is None else [ours, other]
    times: list[list[tuple[float, float]]] = [[] for _ in searches]
    found = [search(x[:2000], k) for search in searches]  # loads what it needs
    for _ in range(rounds):
        for place, search in enumerate(searches):
            wall, processor = time.perf_counter(), time.process_time()
            found[place] = search(x, k)
            times[place].append((time.perf_counter() - wall, time.process_time() - processor))
    best = [[min(part) for part in zip(*taken, strict=True)] for taken in times]
    cells = [f"{seconds:.2f}" for taken in best for seconds in taken]
    if other is None:
        return [str(k), *cells, "", "", "", "", ""]
    same = float((found[0] == found[1]).double().mean())
    return [str(k), *cells, *(f"{mine / theirs:.2f}" for mine, theirs in zip(*best, strict=True)), f"{same:.4f}"]


def ours(x: Tensor, k: int) -> Tensor:
    """The k nearest others of each row `[N, k]`."""
    return torch.cat([keys for _, _, keys in Samples(x).nearest(k)])


def faiss_search(threads: int) -> Search | None:
    """The same by faiss, if that is installed."""
    try:
        faiss: Any = import_module("faiss")  # without types, and in no requirement of ours
    except ImportError:
        return None
    faiss.omp_set_num_threads(threads)

    def search(x: Tensor, k: int) -> Tensor:
        rows = torch.nn.functional.normalize(x).numpy()
        index = faiss.IndexFlatIP(rows.shape[1])
        index.add(rows)
        found = torch.from_numpy(index.search(rows, k + 1)[1])
        # A row is among its own nearest, usually the first.
        itself = found == torch.arange(len(x))[:, None]
        itself[~itself.any(dim=1), -1] = True
        return found[~itself].view(len(x), k)

    return search


if __name__ == "__main__":
    main()
