"""The GCN probe from features to accuracy: time and memory by step and by number of samples; DGL beside PyTorch.

Each size runs in a process of its own, so that its peak memory is its own. Features are those of ten classes of fifty
clumps each, in 512 dimensions, as many as an encoder of CIFAR-10 gives; a sixth of the samples is held out. The steps:
two passes over the pairs for mean distance and row sums; one for the k largest similarities of each row, with the edges
made of them; the fit of the network. CPU seconds are summed over threads and stay comparable on a busy machine.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from benchmarks.machine import report
from csl.graph import Propagation, SparseGraph, dgl_backend, propagation, similarity_graph
from csl.probes import GCNProbe, Nodes
from csl.probes.task import make_task
from csl.table import Table
from csl.types import Features

CLUMPS, CLASSES = 500, 10
PRODUCTS = 10


def main() -> None:
    """Measure each size in its own process, print and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, nargs="+", default=[10_000, 20_000, 60_000], help="numbers of samples")
    parser.add_argument("--full", type=int, nargs="*", default=[10_000], help="numbers of samples with the full graph")
    parser.add_argument("--dimension", type=int, default=512, help="width of the features")
    parser.add_argument("--neighbors", type=int, default=50, help="k")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, default=2, help="threads on the CPU")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one is not None:
        print(json.dumps(measured(args.one, args)))
        return
    cut = [apart(nodes, args, args.neighbors) for nodes in args.nodes]
    full = [apart(nodes, args, 0) for nodes in args.full]
    report(
        "gcn" if args.device == "cpu" else f"gcn_{args.device}",
        f"The GCN probe on {args.device}, {args.dimension} features",
        f"python -m benchmarks.gcn --device {args.device} --threads {args.threads}",
        tables(cut, full, args),
    )


def tables(cut: list[dict[str, Any]], full: list[dict[str, Any]], args: argparse.Namespace) -> str:
    """What was measured, for people."""
    steps = Table(
        [
            "samples",
            "k",
            "edges",
            "distances",
            "top k, edges",
            "fit",
            "all, s",
            "CPU s",
            "peak, GB",
            "steps",
            "accuracy",
        ],
        [step_row(found) for found in [*cut, *full]],
    ).markdown()
    products = Table(
        ["samples", "edges", "PyTorch, ms", "DGL, ms", "DGL / PyTorch"], [product_row(found) for found in cut]
    ).markdown()
    return (
        f"Wall-clock seconds by step, {args.threads} threads where on the CPU; k = all is the full graph, where the "
        f"second step writes all weights out.\n\n{steps}\n\n"
        f"One product with the graph and one with its gradient, width 16, float64, milliseconds:\n\n{products}"
    )


def step_row(found: dict[str, Any]) -> list[str]:
    """One size in the table of steps."""
    seconds = [found["distances"], found["top"], found["fit"], found["distances"] + found["top"] + found["fit"]]
    return [
        f"{found['nodes']:,}",
        str(found["neighbors"] or "all"),
        f"{found['edges']:,}",
        *(f"{value:.1f}" for value in seconds),
        f"{found['cpu']:.0f}",
        f"{found['memory']:.2f}",
        str(found["steps"]),
        f"{found['accuracy']:.3f}",
    ]


def product_row(found: dict[str, Any]) -> list[str]:
    """One size in the table of backends."""
    torch_ms, dgl_ms = found["torch_ms"], found["dgl_ms"]
    shown = ["does not load", ""] if dgl_ms is None else [f"{dgl_ms:.0f}", f"{dgl_ms / torch_ms:.1f}"]
    return [f"{found['nodes']:,}", f"{found['edges']:,}", f"{torch_ms:.0f}", *shown]


def apart(nodes: int, args: argparse.Namespace, neighbors: int) -> dict[str, Any]:
    """`measured` in a process of its own; 0 neighbours stand for the full graph."""
    options = {
        "one": nodes,
        "neighbors": neighbors,
        **{k: getattr(args, k) for k in ("dimension", "device", "threads")},
    }
    line = [word for key, value in options.items() for word in (f"--{key}", str(value))]
    done = subprocess.run([sys.executable, "-m", __spec__.name, *line], stdout=subprocess.PIPE, text=True, check=True)
    print(done.stdout.strip(), file=sys.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measured(num_nodes: int, args: argparse.Namespace) -> dict[str, Any]:
    """Seconds of each step, peak memory of this process, and what the fit came to."""
    torch.set_num_threads(args.threads)
    train, val = samples(num_nodes, args.dimension, args.device)
    small = Features(*(part[:300] for part in train)), Features(*(part[:300] for part in val))
    GCNProbe(neighbors=5).fit(*small)  # imports and first calls
    if args.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    task = make_task(train, val)
    nodes = Nodes.of(task)
    probe = GCNProbe(neighbors=args.neighbors or None, memory_budget=64 * 2**30)
    clock: dict[str, float] = {}
    begin = time.process_time()
    with timed(clock, "graph", args.device), distances_timed(clock, args.device):
        graph = similarity_graph(nodes.values, 0.1, probe.neighbors, memory_budget=probe.memory_budget).normalized()
    with timed(clock, "fit", args.device):
        outcome = probe.classify_nodes(nodes, propagation(graph), task)
    cpu, memory = time.process_time() - begin, peak_memory(args.device)
    products = (
        {}
        if not isinstance(graph, SparseGraph)
        else {
            "torch_ms": milliseconds(propagation(graph, "torch"), graph, args.device),
            "dgl_ms": milliseconds(propagation(graph, "dgl"), graph, args.device)
            if dgl_backend.why_unavailable(args.device) is None
            else None,
        }
    )
    right = float((outcome.predictions == task.val.classes).double().mean())
    return {
        "nodes": num_nodes,
        "neighbors": probe.neighbors,
        "edges": graph.num_edges,
        "distances": clock["distances"],
        "top": clock["graph"] - clock["distances"],
        "fit": clock["fit"],
        "cpu": cpu,
        "memory": memory,
        "steps": outcome.steps,
        "accuracy": right,
        **products,
    }


def samples(num_nodes: int, dimension: int, device: str) -> tuple[Features, Features]:
    """Five sixths to train on, one held out; the clumps of a class are not neighbours of each other."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(CLUMPS, dimension, generator=generator)
    clump = torch.randint(CLUMPS, (num_nodes,), generator=generator)
    values = centres[clump] + torch.randn(num_nodes, dimension, generator=generator)
    every = Features(values.to(device), (clump % CLASSES).to(device), torch.arange(num_nodes, device=device))
    cut = num_nodes * 5 // 6
    return Features(*(part[:cut] for part in every)), Features(*(part[cut:] for part in every))


def milliseconds(propagate: Propagation, graph: SparseGraph, device: str) -> float:
    """Time of one product and one of its gradient."""
    x = torch.randn(graph.num_nodes, 16, dtype=torch.float64, device=device, requires_grad=True)
    propagate(x).sum().backward()  # type: ignore[no-untyped-call]
    clock: dict[str, float] = {}
    with timed(clock, "products", device):
        for _ in range(PRODUCTS):
            propagate(x).sum().backward()  # type: ignore[no-untyped-call]
    return 1e3 * clock["products"] / PRODUCTS


def peak_memory(device: str) -> float:
    """GB of this process, or on a GPU."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated() / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


@contextmanager
def timed(clock: dict[str, float], name: str, device: str) -> Iterator[None]:
    """Enter the seconds that a block takes."""
    start = time.perf_counter()
    yield
    if device == "cuda":
        torch.cuda.synchronize()
    clock[name] = time.perf_counter() - start


@contextmanager
def distances_timed(clock: dict[str, float], device: str) -> Iterator[None]:
    """Time the passes for mean distance and row sums, which lie within the making of a graph."""
    modules = [sys.modules[f"csl.pairwise.{name}"] for name in ("top_weights", "full_weights")]
    original: Any = modules[0].rates_and_log_sums

    def watched(*arguments: Any, **options: Any) -> Any:
        with timed(clock, "distances", device):
            return original(*arguments, **options)

    for module in modules:
        module.rates_and_log_sums = watched  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for module in modules:
            module.rates_and_log_sums = original  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
