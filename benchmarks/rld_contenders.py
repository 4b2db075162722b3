"""The ways to relative local density that `benchmarks.rld` compares, and the features it does so on."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import one_hot

CLASSES = 10
Contender = Callable[[Tensor, Tensor, Sequence[float]], list[float]]


def features(kind: str, count: int, dimension: int, device: str = "cpu") -> tuple[Tensor, Tensor]:
    """Rows of ten classes and their labels.

    Args:
        kind: "ordinary": Gaussian classes that overlap. "collapsed": each class in nearly one place, so that 10 % of
            the pairs are near. "clumps": each class spread over many clumps of five.
        count: N.
        dimension: D.
        device: Where to put them.
    """
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % CLASSES
    groups, spread, apart = {"ordinary": (CLASSES, 1.0, 0.5), "collapsed": (CLASSES, 1e-5, 1.0)}.get(
        kind, (count // 5 // CLASSES * CLASSES, 0.25, 1.0)
    )
    centers = torch.randn(groups, dimension, generator=generator)
    rows = torch.empty(count, dimension)
    for part in torch.arange(count).split(1000):  # type: ignore[no-untyped-call]
        noise = torch.randn(len(part), dimension, generator=generator)
        rows[part] = apart * centers[part % groups] + spread * noise
    return rows.to(device), labels.to(device)


def csl(x: Tensor, y: Tensor, temperatures: Sequence[float]) -> list[float]:
    """Ours."""
    from csl.metrics.functional import relative_local_density

    return relative_local_density(x, y, temperatures).tolist()


def csl_tf32(x: Tensor, y: Tensor, temperatures: Sequence[float]) -> list[float]:
    """Ours, with features rounded to TF32."""
    from csl.metrics.functional import relative_local_density

    return relative_local_density(x, y, temperatures, precision="tf32").tolist()


def estimate(x: Tensor, y: Tensor, temperatures: Sequence[float]) -> list[float]:
    """Our estimate."""
    from csl.metrics.functional import estimate_relative_local_density

    return estimate_relative_local_density(x, y, temperatures).value.tolist()


def dense(x: Tensor, y: Tensor, temperatures: Sequence[float]) -> list[float]:
    """The definition as published: all distances, then N×N float32 arrays."""
    count = len(x)
    distances = torch.cdist(x, x)
    mean = distances.sum() / (count * (count - 1))
    member = one_hot(y).float()
    found = []
    for temperature in temperatures:
        scores = (-distances / mean).fill_diagonal_(-torch.inf)
        weights = (scores / temperature).softmax(dim=1) * (scores / temperature).softmax(dim=0) * count**2
        found.append(_modularity(member.T @ weights @ member))
    return found


def keops(x: Tensor, y: Tensor, temperatures: Sequence[float]) -> list[float]:
    """The same sums as reductions of KeOps, which compiles them and holds no N×N array."""
    keops = import_module("pykeops.torch")  # without types, and in no requirement of ours
    LazyTensor: Any = keops.LazyTensor
    count = len(x)
    numbers = torch.arange(count, dtype=x.dtype, device=x.device)[:, None]
    # A kernel with itself is 1 where the sum of the others may be 1e-6: it must not enter a float32 sum.
    others = ((LazyTensor(numbers[:, None]) - LazyTensor(numbers[None])) ** 2).clamp(0, 1)
    rows, columns = LazyTensor(x[:, None, :].contiguous()), LazyTensor(x[None, :, :].contiguous())
    distances = ((rows - columns) ** 2).sum(-1).sqrt()
    mean = float(distances.sum(dim=1).double().sum()) / (count * (count - 1))
    member = one_hot(y).float()
    found = []
    for temperature in temperatures:
        kernel = (-distances / (mean * temperature)).exp() * others
        sums = kernel.sum(dim=1).double()[:, 0]
        shares = count / sums
        weights = (kernel * kernel) @ (member * shares.float()[:, None])
        found.append(_modularity((member.double() * shares[:, None]).T @ weights.double()))
    return found


def sklearn_neighbors(x: Tensor, y: Tensor, temperatures: Sequence[float]) -> list[float]:
    """RLD of the 100 nearest neighbours alone, found by scikit-learn; mu from the exact mean distance."""
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=_NEIGHBORS, algorithm="brute", n_jobs=torch.get_num_threads())
    distances, columns = search.fit(x.numpy()).kneighbors()
    return _cut(x, y, torch.from_numpy(distances), torch.from_numpy(columns), temperatures)


def faiss_neighbors(x: Tensor, y: Tensor, temperatures: Sequence[float]) -> list[float]:
    """RLD of the 100 nearest neighbours alone, found by faiss (exact search)."""
    faiss: Any = import_module("faiss")
    faiss.omp_set_num_threads(torch.get_num_threads())
    index = faiss.IndexFlatL2(x.shape[1])
    index.add(x.numpy())
    squared, columns = index.search(x.numpy(), _NEIGHBORS + 1)
    distances = torch.from_numpy(squared).clamp(min=0).sqrt()
    # Of a sample and its exact duplicates any may come first: none counts as a neighbour of itself.
    itself = torch.from_numpy(columns) == torch.arange(len(x))[:, None]
    distances[itself] = torch.inf
    return _cut(x, y, distances, torch.from_numpy(columns), temperatures)


_NEIGHBORS = 100


def _cut(x: Tensor, y: Tensor, distances: Tensor, columns: Tensor, temperatures: Sequence[float]) -> list[float]:
    from csl.pairwise import Pairs

    mean, found = float(Pairs(x, passes=1).mean), []
    member = one_hot(y).double()
    for temperature in temperatures:
        kernel = (-distances.double() / (mean * temperature)).exp()
        sums = kernel.sum(dim=1)
        weights = kernel.square() / (sums[:, None] * sums[columns])
        towards = torch.einsum("nk,nkc->nc", weights, member[columns])
        blocks = member.T @ towards
        found.append(_modularity((blocks + blocks.T) / 2))
    return found


def _modularity(blocks: Tensor) -> float:
    shares = blocks.double() / blocks.double().sum()
    return float(shares.trace() - shares.sum(dim=1).square().sum())


CONTENDERS: dict[str, Contender] = {
    "csl": csl,
    "csl, tf32": csl_tf32,
    "csl, estimate": estimate,
    "dense float32": dense,
    "KeOps": keops,
    "scikit-learn, 100 neighbours": sklearn_neighbors,
    "faiss, 100 neighbours": faiss_neighbors,
}
