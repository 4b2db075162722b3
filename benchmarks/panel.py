"""What each measure of the panel takes, beside scikit-learn or the plain computation of the same number.

    python -m benchmarks.panel --size 10000 --dimension 512

Every figure comes from a process of its own, so that memory is that of one computation. The features are ten Gaussian
classes with variances that fall like 1 / k, normalised to length 1.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor

from benchmarks.machine import report
from csl.metrics import analyze
from csl.metrics.functional.neighbor_agreement import KS
from csl.metrics.functional.relative_local_density_per_class import TEMPERATURES
from csl.metrics.measures import DEFAULT, MEASURES
from csl.table import Table

CLASSES = 10
WHOLE = "the whole panel"  # whose measures share their work


def main() -> None:
    """Measure everything, or one side of one measure (for the processes that this one starts)."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=10_000, help="number of samples N")
    parser.add_argument("--dimension", type=int, default=512, help="dimension D")
    parser.add_argument("--rounds", type=int, default=3, help="repetitions, of which the median counts")
    parser.add_argument("--ours-only", action="store_true", help="leave the other implementations out")
    parser.add_argument("--one", nargs=2, metavar=("MEASURE", "SIDE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        name, side = options.one
        print(json.dumps(one(name, side, features(options.size, options.dimension), options.rounds)))
        return
    rows = [row(name, options) for name in (*DEFAULT, WHOLE)]
    command = f"python -m benchmarks.panel --size {options.size} --dimension {options.dimension}"
    command += f" --rounds {options.rounds}" + (" --ours-only" if options.ours_only else "")
    header = ["measure", "seconds", "memory, GB", "other", "seconds", "memory, GB", "times faster", "difference"]
    report(
        f"panel-{options.size}",
        f"The panel on {options.size:,} samples of {options.dimension} dimensions",
        command,
        f"Median of {options.rounds} repetitions; memory is all of a process, features and libraries with it.\n\n"
        + Table(header, rows).markdown(),
    )


def row(name: str, options: argparse.Namespace) -> list[str]:
    """One line of the table."""
    sides = ["csl"] if options.ours_only or name not in OTHERS else ["csl", "other"]
    runs = {side: started(name, side, options) for side in sides}
    ours = runs["csl"]
    line = [name, f"{ours['seconds']:.2f}", f"{ours['gigabytes']:.2f}"]
    if "other" not in runs:
        return [*line, "", "", "", "", ""]
    other = runs["other"]
    speed, difference = other["seconds"] / ours["seconds"], abs(ours["value"] / other["value"] - 1)
    others = [OTHERS[name][0], f"{other['seconds']:.2f}", f"{other['gigabytes']:.2f}"]
    return [*line, *others, f"{speed:.1f}", f"{difference:.0e}"]


def started(name: str, side: str, options: argparse.Namespace) -> dict[str, float]:
    """One computation in a new process."""
    size = ["--size", str(options.size), "--dimension", str(options.dimension)]
    line = [sys.executable, "-m", "benchmarks.panel", *size, "--one", name, side]
    line += ["--rounds", str(options.rounds)]
    result: dict[str, float] = json.loads(subprocess.run(line, check=True, capture_output=True, text=True).stdout)
    return result


def one(name: str, side: str, rows: tuple[Tensor, Tensor], rounds: int) -> dict[str, float]:
    """Seconds, memory and the last value of one computation in this process."""
    compute = OTHERS[name][1] if side == "other" else partial(last, None if name == WHOLE else [name])
    times, value = [], 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compute(*(part[:500] for part in rows))  # loads what it needs
        for _ in range(rounds):
            start = time.perf_counter()
            value = compute(*rows)
            times.append(time.perf_counter() - start)
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": statistics.median(times), "gigabytes": kilobytes / 1e6, "value": value}


def last(metrics: list[str] | None, x: Tensor, y: Tensor) -> float:
    """The last value of these measures."""
    return list(analyze(x, y, metrics=metrics).values())[-1]


def features(size: int, dimension: int) -> tuple[Tensor, Tensor]:
    """Samples of length 1 `[N, D]`, float32, and their classes."""
    generator = torch.Generator().manual_seed(0)
    scale = torch.arange(1, dimension + 1) ** -0.5
    labels = torch.arange(size) % CLASSES
    centers = torch.randn(CLASSES, dimension, generator=generator)
    rows = (torch.randn(size, dimension, generator=generator) + centers[labels]) * scale
    return torch.nn.functional.normalize(rows), labels


def _sklearn_score(name: str) -> Callable[[Tensor, Tensor], float]:
    def score(x: Tensor, y: Tensor) -> float:
        import sklearn.metrics

        return float(getattr(sklearn.metrics, name)(x.numpy(), y.numpy()))

    return score


def _neighbors(x: Tensor, k: int, metric: str) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.neighbors import NearestNeighbors

    distances, neighbors = NearestNeighbors(n_neighbors=k, metric=metric, algorithm="brute").fit(x.numpy()).kneighbors()
    return np.asarray(distances), np.asarray(neighbors)


def _agreement(x: Tensor, y: Tensor) -> float:
    return float((y[_neighbors(x, max(KS), "cosine")[1]] == y[:, None]).double().mean())


def _knn(x: Tensor, y: Tensor) -> float:
    distances, neighbors = _neighbors(x, 20, "cosine")
    votes = torch.zeros(len(y), CLASSES, dtype=torch.float64)
    votes.scatter_add_(1, y[neighbors], torch.from_numpy(np.exp((1 - distances.astype(np.float64)) / 0.07)))
    return float((votes.argmax(dim=1) == y).double().mean())


def _dimension(x: Tensor, y: Tensor) -> float:
    distances = _neighbors(x, 2, "euclidean")[0].astype(np.float64)
    return float(len(x) / np.log(distances[:, 1] / distances[:, 0]).sum())


def _rld(x: Tensor, y: Tensor) -> float:
    """The definition as published: N×N float32 arrays, a temperature after the other."""
    distances = torch.cdist(x, x)
    n = len(x)
    scores = -distances / (distances.sum() / (n * (n - 1)))
    scores.fill_diagonal_(-torch.inf)
    value = 0.0
    for temperature in TEMPERATURES:
        w = torch.softmax(scores / temperature, dim=1) * torch.softmax(scores / temperature, dim=0)
        member = torch.nn.functional.one_hot(y, CLASSES).float()
        blocks = member.T @ w @ member / w.sum()
        value = float((blocks.diagonal() - blocks.sum(dim=1).square()).sum())
    return value


def _uniformity(x: Tensor, y: Tensor) -> float:
    return float(torch.pdist(torch.nn.functional.normalize(x)).square_().mul_(-2).exp_().mean().log())


def _rankme(x: Tensor, y: Tensor) -> float:
    values = torch.linalg.svdvals(x)
    shares = values / values.sum() + 1e-7
    return float((-(shares * shares.log()).sum()).exp())


OTHERS: dict[str, tuple[str, Callable[[Tensor, Tensor], float]]] = {
    "calinski_harabasz": ("scikit-learn", _sklearn_score("calinski_harabasz_score")),
    "davies_bouldin": ("scikit-learn", _sklearn_score("davies_bouldin_score")),
    "silhouette": ("scikit-learn", _sklearn_score("silhouette_score")),
    "rld": ("dense torch", _rld),
    "neighbor_agreement": ("scikit-learn", _agreement),
    "knn_accuracy": ("scikit-learn", _knn),
    "rankme": ("torch SVD", _rankme),
    "intrinsic_dimension": ("scikit-learn", _dimension),
    "uniformity": ("torch.pdist", _uniformity),
}
assert set(OTHERS) <= set(MEASURES)

if __name__ == "__main__":
    main()
