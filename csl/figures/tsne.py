"""t-SNE, from a start that is given or the PCA, turned so that it lies as its start does."""

from collections.abc import Callable

import numpy as np
import torch

from csl.figures.projection import Floats, pca

_EXACT = 5000  # samples up to which all distances are computed, which is faster there
_START = 1e-4  # standard deviation of the start: it gives directions and no distances
_STEPS = 750


def tsne(
    rows: Floats,
    perplexity: float,
    seed: int = 0,
    start: Floats | None = None,
    watch: Callable[[float], None] | None = None,
) -> Floats:
    """Positions `[N, 2]` of rows `[N, D]` by t-SNE (van der Maaten, Hinton, "Visualizing Data using t-SNE", 2008).

    Args:
        rows: The features, at least three.
        perplexity: Effective number of neighbours to look at, less than N.
        seed: Of what is random; no global generator is touched.
        start: Positions `[N, 2]` from which to start; the PCA if None.
        watch: Called with the share of the work that is done.

    Example:
        >>> clumps = np.repeat(np.eye(3), 10, axis=0) + np.random.default_rng(0).normal(size=(30, 3)) / 100
        >>> points = tsne(clumps, perplexity=5)
        >>> spread, apart = np.ptp(points[:10], axis=0).max(), np.linalg.norm(points[0] - points[10])
        >>> points.shape, bool(spread < apart)
        ((30, 2), True)
    """
    from openTSNE import TSNE  # a second of import that only a map needs
    from openTSNE.affinity import PerplexityBasedNN

    start = pca(rows)[0] if start is None else start
    done = 0

    def seen(iteration: int, error: float, embedding: Floats) -> None:
        nonlocal done
        done += 50
        if watch is not None:
            watch(min(1.0, done / _STEPS))

    neighbors, gradient = ("exact", "bh") if len(rows) <= _EXACT else ("auto", "fft")
    common = {"n_jobs": torch.get_num_threads(), "random_state": seed}
    near = PerplexityBasedNN(rows, perplexity, method=neighbors, **common)
    model = TSNE(negative_gradient_method=gradient, callbacks=seen, callbacks_every_iters=50, **common)
    scale = max(start[:, 0].std(), np.finfo(np.float64).tiny)
    found = np.asarray(model.fit(affinities=near, initialization=_START * start / scale), dtype=np.float64)
    return turned(found - found.mean(axis=0), start - start.mean(axis=0))


def turned(points: Floats, onto: Floats) -> Floats:
    """Points `[N, 2]` turned and mirrored so that each lies as near as can be to another `[N, 2]`; shape is kept.

    Example:
        >>> square = np.array([[0.0, 0.0], [0.0, 1.0], [2.0, 1.0]])
        >>> mirrored = square * [-1, 1]
        >>> back = turned(mirrored - mirrored.mean(axis=0), square - square.mean(axis=0))
        >>> bool(np.allclose(back, square - square.mean(axis=0)))
        True
    """
    left, _, right = np.linalg.svd(points.T @ onto)
    return np.asarray(points @ (left @ right))
