"""Sums and searches over all pairs on a GPU: seconds and memory beside the dense way and the bare products.

The bare products are those of one pass: every pair of blocks once, multiplied and thrown away. RLD takes two passes,
and keeps no distances between them where they do not fit its memory budget.
"""

import argparse
import time
from collections.abc import Callable
from itertools import combinations_with_replacement
from typing import Any

import torch
from torch import Tensor

from benchmarks.machine import report
from benchmarks.rld_contenders import CONTENDERS, features
from benchmarks.timing import finish
from csl.graph import similarity_graph
from csl.metrics.functional import relative_local_density
from csl.pairwise.fp32 import products_in
from csl.pairwise.streaming import Precision
from csl.probes import KNNProbe
from csl.table import Table
from csl.types import Features

TEMPERATURES = (1.0, 0.2, 0.1)
BLOCK = 8192
HEADER = ["", "N", "seconds", "peak GB", "times the products of a pass", "largest difference"]


def main() -> None:
    """Measure, print and write the table, anew after every line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 50_000, 200_000], help="N")
    parser.add_argument("--dense-up-to", type=int, default=50_000, help="the largest N of the dense way")
    parser.add_argument("--dimension", type=int, default=512, help="D")
    parser.add_argument("--graph", type=int, nargs=2, default=[50_000, 10_000], help="samples fitted and held out")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()
    rows: list[list[str]] = []

    def add(*cells: str) -> None:
        rows.append([*cells, *[""] * (len(HEADER) - len(cells))])
        report(
            f"pairs_{args.device}",
            f"Pairs of samples of {args.dimension} dimensions on {args.device}",
            f"python -m benchmarks.gpu_pairs --device {args.device}",
            Table(HEADER, rows).markdown() + "\n\nRLD at T = 1.0, 0.2, 0.1; differences are to RLD in float32.",
        )

    for size in args.sizes:
        densities(size, args, add)
    neighbors(args, add)


def densities(size: int, args: argparse.Namespace, add: Callable[..., None]) -> None:
    """RLD in both precisions, the bare products of each, and the dense way."""
    x, y = features("ordinary", size, args.dimension, args.device)
    exact = torch.zeros(3)
    for precision in ("ieee", "tf32"):
        relative_local_density(x, y, TEMPERATURES, precision=precision)  # builds what a GPU runs
        bare, _, _ = measured(lambda precision=precision: products(x, precision), args.device)  # type: ignore[misc]
        seconds, peak, values = measured(
            lambda precision=precision: relative_local_density(x, y, TEMPERATURES, precision=precision).cpu(),  # type: ignore[misc]
            args.device,
        )
        exact = values if precision == "ieee" else exact
        error = "" if precision == "ieee" else f"{float((values - exact).abs().max()):.1e}"
        add(f"RLD, {precision}", f"{size:,}", f"{seconds:.3f}", f"{peak:.2f}", f"{seconds / bare:.1f}", error)
        add(f"products of a pass, {precision}", f"{size:,}", f"{bare:.3f}")
    if size <= args.dense_up_to:
        try:
            seconds, peak, dense = measured(lambda: CONTENDERS["dense float32"](x, y, TEMPERATURES), args.device)
        except torch.OutOfMemoryError:
            add("dense, float32", f"{size:,}", "does not fit")
            return
        error = f"{float((torch.tensor(dense) - exact).abs().max()):.1e}"
        add("dense, float32", f"{size:,}", f"{seconds:.3f}", f"{peak:.2f}", "", error)


def neighbors(args: argparse.Namespace, add: Callable[..., None]) -> None:
    """The kNN probe and the graph of 50 neighbours."""
    train, val = args.graph
    x, y = features("clumps", train + val, args.dimension, args.device)
    index = torch.arange(train + val, device=x.device)
    parts = [Features(x[cut], y[cut], index[cut]) for cut in (slice(train), slice(train, None))]
    KNNProbe().fit(*(Features(*(value[:100] for value in part)) for part in parts))
    seconds, peak, found = measured(lambda: KNNProbe().fit(*parts), args.device)
    add(f"kNN probe, accuracy {found.val_accuracy:.3f}", f"{train:,} + {val:,}", f"{seconds:.3f}", f"{peak:.2f}")
    seconds, peak, graph = measured(lambda: similarity_graph(x, 0.1, 50), args.device)
    add(f"graph, k = 50, {graph.num_edges:,} edges", f"{train + val:,}", f"{seconds:.3f}", f"{peak:.2f}")


def products(x: Tensor, precision: Precision) -> None:
    """Every pair of blocks once."""
    out = torch.empty(BLOCK, BLOCK, device=x.device)
    with torch.no_grad(), products_in(precision):
        for i, j in combinations_with_replacement(x.split(BLOCK), 2):  # type: ignore[no-untyped-call]
            out[: len(i), : len(j)].addmm_(i, j.T, beta=0)


def measured(work: Callable[[], Any], device: str) -> tuple[float, float, Any]:
    """Seconds, the GPU's peak memory in GB (0 on a CPU), and what came of it."""
    place = torch.device(device)
    if place.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    finish(place)
    start = time.perf_counter()
    found = work()
    finish(place)
    peak = torch.cuda.max_memory_allocated() / 1e9 if place.type == "cuda" else 0.0
    return time.perf_counter() - start, peak, found


if __name__ == "__main__":
    main()
