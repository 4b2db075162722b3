"""Relative local density: ours beside the dense definition and what else computes it; time, memory, growth with N.

Every measurement is a process of its own, whose peak memory, torch and features included, is what the operating system
says. Of several rounds the fastest counts, and all contenders have their rounds in turns.

What ImageNet takes, N = 1.28 million and D = 2048: N² / 2 = 8.2e11 pairs. A pass multiplies them in 2 D operations
each, 3.4e15, and there are two, 6.7e15: at 50 TFLOP/s, which an H100 sustains in float32, 135 s; with
precision="tf32" at 400 TFLOP/s 17 s. What else is done to a tile reads or writes some 60 float32 numbers a pair in the
first pass and 30 in the second, 8.2e11 × 90 × 4 bytes = 3e14 bytes, 90 s at 3.3 TB/s. That is four minutes on one GPU,
two with TF32; the features and their centred copy take 21 GB. Several GPUs share the pairs. Two CPU cores take
a day or more: N² D is 2,600 times that of N = 50,000, D = 512.
"""

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

import torch

from benchmarks.machine import RESULTS, report
from benchmarks.rld_contenders import CONTENDERS, features
from csl.table import Table

TEMPERATURES = (1.0, 0.2, 0.1)


class Task(NamedTuple):
    """One thing to measure.

    Attributes:
        contender: Which way, of `CONTENDERS`.
        kind: Which features.
        samples: N.
        threads: How many threads the process has.
    """

    contender: str = "csl"
    kind: str = "ordinary"
    samples: int = 10_000
    threads: int = 2


class Result(NamedTuple):
    """What came of it.

    Attributes:
        seconds: The fastest round.
        cpu: Seconds of all cores together in that round, which other work on the machine lengthens less.
        gigabytes: Peak memory of the process; on a GPU, the GPU's.
        values: RLD at each temperature; empty where the contender failed, of which `error` tells.
        error: Why there is no value.
    """

    seconds: float
    cpu: float
    gigabytes: float
    values: list[float]
    error: str = ""


def main() -> None:
    """Measure, print and write the tables and the plot."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[5_000, 10_000, 20_000, 50_000], help="N of the growth")
    parser.add_argument("--samples", type=int, default=10_000, help="N of the comparison")
    parser.add_argument("--dense-up-to", type=int, default=10_000, help="the largest N that dense is asked for")
    parser.add_argument("--dimension", type=int, default=512, help="D")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, default=2, help="of the process")
    parser.add_argument("--rounds", type=int, default=3, help="how many rounds there are")
    parser.add_argument("--minutes", type=float, default=10.0, help="after which no other round begins")
    parser.add_argument("--task", type=json.loads, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.task is not None:
        print(json.dumps(measure(Task(*args.task), args.dimension, args.device)))
        return
    found = run(tasks(args), args)
    name = "rld" if args.device == "cpu" else f"rld_{args.device}"
    plot(found, args, name)
    report(
        name,
        "Relative local density, T = 1.0, 0.2, 0.1",
        f"python -m benchmarks.{' '.join(['rld', *sys.argv[1:]])}",
        text(found, args, name),
    )


def tasks(args: argparse.Namespace) -> list[Task]:
    """All that is measured on this device."""
    n, largest = args.samples, max(args.sizes)
    wanted = [Task(samples=size) for size in sorted({n, *args.sizes})]
    wanted += [Task("dense float32", samples=size) for size in sorted({n, *args.sizes}) if size <= args.dense_up_to]
    wanted += [Task(kind="collapsed", samples=size) for size in (n, largest)]
    wanted += [Task(kind="clumps", samples=n), Task("csl, estimate", samples=largest)]
    wanted += [Task("csl, tf32", kind, n) for kind in ("ordinary", "collapsed", "clumps")]
    if args.device == "cpu":
        wanted += [Task(other, samples=n) for other in ("scikit-learn, 100 neighbours", "faiss, 100 neighbours")]
        wanted += [Task("KeOps", samples=min(args.sizes))]
    return [task._replace(threads=args.threads) for task in wanted]


def run(wanted: Sequence[Task], args: argparse.Namespace) -> dict[Task, Result]:
    """Each task once a round, in a process of its own."""
    found: dict[Task, Result] = {}
    start = time.perf_counter()
    for turn in range(args.rounds):
        if turn and time.perf_counter() - start > 60 * args.minutes:
            break
        for task in wanted:
            # What takes minutes needs no other round to be compared.
            if task in found and (found[task].error or found[task].seconds > 60):
                continue
            result = in_a_process(task, args)
            print(f"round {turn + 1}: {task}: {result}", file=sys.stderr, flush=True)
            if task not in found or result.seconds < found[task].seconds:
                found[task] = result
    return found


def in_a_process(task: Task, args: argparse.Namespace) -> Result:
    """One measurement."""
    line = [sys.executable, "-m", "benchmarks.rld", "--dimension", str(args.dimension), "--device", args.device]
    limits = {"OMP_NUM_THREADS": str(task.threads), "MKL_NUM_THREADS": str(task.threads)}
    done = subprocess.run(
        [*line, "--task", json.dumps(task)], capture_output=True, text=True, check=False, env={**os.environ, **limits}
    )
    if done.returncode:
        reasons = done.stderr.strip().splitlines() or [f"ended with {done.returncode}"]
        return Result(math.nan, math.nan, math.nan, [], reasons[-1][:200])
    return Result(*json.loads(done.stdout.splitlines()[-1]))


def measure(task: Task, dimension: int, device: str) -> Result:
    """Run a task here, after a small one that does not count."""
    torch.set_num_threads(task.threads)
    contender = CONTENDERS[task.contender]
    contender(*features("ordinary", 500, dimension, device), TEMPERATURES)
    x, y = features(task.kind, task.samples, dimension, device)
    _wait(device)
    start, cpu = time.perf_counter(), time.process_time()
    values = contender(x, y, TEMPERATURES)
    _wait(device)
    return Result(time.perf_counter() - start, time.process_time() - cpu, _peak(device), values)


def _wait(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize()


def _peak(device: str) -> float:
    if device != "cpu":
        return torch.cuda.max_memory_allocated() / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def text(found: dict[Task, Result], args: argparse.Namespace, name: str) -> str:
    """The tables."""
    parts = [
        f"D = {args.dimension}, ten classes, {args.threads} threads; fastest of up to {args.rounds} rounds. Peak "
        f"memory is that of the whole process, of which `import torch` alone takes {_import_memory():.2f} GB here. "
        f"Load of the machine over the last minutes: {os.getloadavg()[1]:.1f}.",
        f"## N = {args.samples:,}\n\n{comparison(found, args)}",
        "The neighbour searches know only the 100 nearest neighbours: what they compute is another number. KeOps "
        "compiles its sums when first asked, which is not counted.",
        f"## Growth\n\n{growth(found)}\n\n![time and memory against N]({name}.png)",
        f"## The estimate\n\n{estimates(found, args)}\n\n{subsampling(args)}",
        f"## Precision\n\n{precision(args)}",
        "## ImageNet, by arithmetic and not measured\n\n" + str(__doc__).split("\n\n")[-1].strip(),
    ]
    return "\n\n".join(parts)


def comparison(found: dict[Task, Result], args: argparse.Namespace) -> str:
    """All contenders at one N; KeOps, which would take minutes, at the smallest."""
    header = ["", "seconds", "times ours", "CPU seconds", "times ours", "peak GB", "RLD 1.0", "RLD 0.2", "RLD 0.1"]
    rows = [
        _row(task, result, found[Task(samples=task.samples, threads=args.threads)])
        for task, result in found.items()
        if task.samples == args.samples or task.contender == "KeOps"
    ]
    return Table(header, rows).markdown()


def growth(found: dict[Task, Result]) -> str:
    """Ours and dense at each N."""
    header = ["N", "features", "seconds", "CPU seconds", "peak GB"]
    header += [f"dense {measure}" for measure in header[2:]]
    ours = sorted((task for task in found if task.contender == "csl"), key=lambda task: (task.kind, task.samples))
    return Table(header, [_growth_row(task, found) for task in ours]).markdown()


def estimates(found: dict[Task, Result], args: argparse.Namespace) -> str:
    """Ours and our estimate at the largest N."""
    rows = [
        [task.contender, f"{result.seconds:.1f}", *(f"{value:.4f}" for value in result.values)]
        for task, result in found.items()
        if task == Task(task.contender, samples=max(args.sizes), threads=args.threads)
    ]
    table = Table(["", "seconds", "RLD 1.0", "RLD 0.2", "RLD 0.1"], rows).markdown()
    return f"N = {max(args.sizes):,}, ten repeats of 500 rows:\n\n{table}"


def _row(task: Task, result: Result, ours: Result) -> list[str]:
    label = task.contender if task.kind == "ordinary" else f"{task.contender}, {task.kind} features"
    if task.contender == "KeOps":
        label = f"{label}, N = {task.samples:,}"
    if result.error:
        return [label, result.error.replace("|", "/"), *[""] * 7]
    times = [result.seconds, result.seconds / ours.seconds, result.cpu, result.cpu / ours.cpu]
    cells = [f"{value:.{digits}f}" for value, digits in zip(times, (2, 1, 2, 1), strict=True)]
    return [label, *cells, f"{result.gigabytes:.2f}", *(f"{value:.6f}" for value in result.values)]


def _growth_row(task: Task, found: dict[Task, Result]) -> list[str]:
    result, dense = found[task], found.get(task._replace(contender="dense float32"))
    row = [f"{task.samples:,}", task.kind, *_cells(result)]
    return row + (["", "", ""] if dense is None else _cells(dense))


def _cells(result: Result) -> list[str]:
    return [f"{value:.2f}" for value in result[:3]]


def _import_memory() -> float:
    line = "import torch, resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9)"
    return float(subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=True).stdout)


def subsampling(args: argparse.Namespace) -> str:
    """Our estimate beside RLD of subsamples, where the exact value is known."""
    from csl.metrics.functional import estimate_relative_local_density, relative_local_density

    rows, count, few = [], args.samples, args.samples // 10
    for kind in ("ordinary", "clumps"):
        x, y = features(kind, count, args.dimension, args.device)
        exact = relative_local_density(x, y, TEMPERATURES)
        value, error, *_ = estimate_relative_local_density(x, y, TEMPERATURES, samples=200)
        order = torch.randperm(count, generator=torch.Generator().manual_seed(0)).to(x.device)
        parts = [relative_local_density(x[i], y[i], TEMPERATURES) for i in order.reshape(10, few)]
        middle, spread = torch.stack(parts).mean(dim=0), torch.stack(parts).std(dim=0) / 10**0.5
        rows.append([f"{kind}, exact", *(f"{v:.4f}" for v in exact)])
        rows.append([f"{kind}, estimate", *(f"{v:.4f} ± {e:.4f}" for v, e in zip(value, error, strict=True))])
        rows.append([f"{kind}, subsamples", *(f"{v:.4f} ± {e:.4f}" for v, e in zip(middle, spread, strict=True))])
    table = Table(["", "RLD 1.0", "RLD 0.2", "RLD 0.1"], rows).markdown()
    return (
        f"Beside the mean of RLD over ten subsamples of {few:,} of N = {count:,}, ± standard error (estimate: 10 "
        f"repeats of 200 rows): a subsample thins out neighbourhoods and so measures something else.\n\n{table}"
    )


def precision(args: argparse.Namespace) -> str:
    """By how much rounding to TF32 changes RLD; the rounding is the same on every device."""
    from csl.metrics.functional import relative_local_density

    temperatures, rows = (*TEMPERATURES, 0.01), []
    for kind in ("ordinary", "collapsed", "clumps"):
        x, y = features(kind, 4_000, args.dimension, args.device)
        exact, rounded = (
            relative_local_density(x, y, temperatures, precision="ieee"),
            relative_local_density(x, y, temperatures, precision="tf32"),
        )
        rows.append([kind, *(f"{change:.1e}" for change in (rounded - exact).abs().tolist())])
    table = Table(["features", *(f"T = {t}" for t in temperatures)], rows).markdown()
    return f'Change of RLD with `precision="tf32"`, N = 4,000:\n\n{table}'


def plot(found: dict[Task, Result], args: argparse.Namespace, name: str) -> None:
    """Time and memory against N."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
    for contender in ("csl", "dense float32"):
        task = Task(contender, threads=args.threads)
        sizes = sorted(other.samples for other in found if other == task._replace(samples=other.samples))
        results = [found[task._replace(samples=size)] for size in sizes]
        axes[0].plot(sizes, [result.seconds for result in results], marker="o", label=contender)
        axes[1].plot(sizes, [result.gigabytes for result in results], marker="o", label=contender)
    for axis, label in zip(axes, ("seconds", "peak memory (GB)"), strict=True):
        axis.set(xscale="log", xlabel="N", ylabel=label)
        axis.set_xticks(args.sizes, [f"{size:,}" for size in args.sizes])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0].set(yscale="log")
    axes[0].yaxis.set_major_formatter("{x:g}")
    axes[1].set(ylim=(0, None))
    axes[0].legend(frameon=False)
    RESULTS.mkdir(exist_ok=True)
    figure.savefig(RESULTS / f"{name}.png", dpi=120)


if __name__ == "__main__":
    main()
