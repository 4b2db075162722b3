"""How far a map can be trusted: which neighbours it shows that are none, and which it does not show."""

from typing import NamedTuple

import numpy as np

from csl.figures.projection import Floats

NEIGHBORS = 15
_JUDGED = 3000  # samples that are looked at, since all their pairs are sorted


class Trust(NamedTuple):
    """What is kept of the neighbours, each from 0 to 1.

    Attributes:
        trustworthiness: 1 if neighbours on the map are neighbours in the features (Venna and Kaski, 2001).
        continuity: 1 if neighbours in the features are neighbours on the map: the same with the roles swapped.
        kept: The mean share of the k nearest in the features that are among the k nearest on the map.
        k: How many neighbours are looked at.
        samples: How many samples were looked at.
    """

    trustworthiness: float
    continuity: float
    kept: float
    k: int
    samples: int


def trust(rows: Floats, points: Floats, k: int = NEIGHBORS, seed: int = 0) -> Trust:
    """How far a map can be trusted, judged on at most 3,000 samples.

    Args:
        rows: The features `[N, D]`.
        points: The positions `[N, 2]`.
        k: How many neighbours to look at; fewer where there are not twice as many samples.
        seed: Of the samples that are judged.

    Raises:
        ValueError: If there are fewer than four samples.

    Example:
        >>> plane = np.random.default_rng(0).normal(size=(40, 2))
        >>> trust(plane, 3 * plane + 1)
        Trust(trustworthiness=1.0, continuity=1.0, kept=1.0, k=15, samples=40)
    """
    if len(rows) < 4:
        raise ValueError(f"samples: expected at least 4, got {len(rows)}")
    from sklearn.manifold import trustworthiness

    judged = np.random.default_rng(seed).permutation(len(rows))[:_JUDGED]
    rows, points = rows[judged], points[judged]
    k = min(k, (len(rows) - 1) // 2)
    there, back = (float(trustworthiness(a, b, n_neighbors=k)) for a, b in ((rows, points), (points, rows)))
    return Trust(there, back, _kept(rows, points, k), k, len(rows))


def _kept(rows: Floats, points: Floats, k: int) -> float:
    from sklearn.neighbors import NearestNeighbors

    near = [NearestNeighbors(n_neighbors=k).fit(places).kneighbors(return_distance=False) for places in (rows, points)]
    shared = [len(np.intersect1d(a, b, assume_unique=True)) for a, b in zip(*near, strict=True)]
    return float(np.mean(shared)) / k
