"""Features brought down to the plane."""

import numpy as np
import numpy.typing as npt
import torch

from csl.randomness import shuffled_by_class

Floats = npt.NDArray[np.float64]


def pca(values: Floats) -> tuple[Floats, Floats]:
    """Scores on the first two principal components `[N, 2]` and their shares of the variance `[2]`.

    Signs are fixed, the largest score of each component being positive, so that a figure does not flip.

    Example:
        >>> pca(np.array([[0.0, 0.0, 0.0], [2.0, 0.0, 0.0]]))[0]
        array([[-1.,  0.],
               [ 1.,  0.]])
    """
    left, singular, _ = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)
    scores = np.zeros((len(values), 2))
    found = (left * singular)[:, :2]
    scores[:, : found.shape[1]] = found
    signs = np.where(scores.max(axis=0) < -scores.min(axis=0) * (1 - 1e-9), -1.0, 1.0)
    total = float((singular**2).sum()) or 1.0
    shares = np.zeros(2)
    shares[: min(2, len(singular))] = singular[:2] ** 2 / total
    return scores * signs + 0.0, shares


def stratified_sample(labels: npt.NDArray[np.int64], size: int, seed: int) -> npt.NDArray[np.int64]:
    """At most `size` positions, each class in its proportion, in random order.

    Example:
        >>> labels = np.array([0] * 90 + [1] * 10)
        >>> np.bincount(labels[stratified_sample(labels, 20, seed=0)])
        array([18,  2])
    """
    generator = torch.Generator().manual_seed(seed)
    order = torch.cat(shuffled_by_class(torch.from_numpy(labels), generator))
    if len(order) > size:
        order = order[((torch.arange(size) + 0.5) * len(order) / size).long()]
    chosen: npt.NDArray[np.int64] = order[torch.randperm(len(order), generator=generator)].numpy()
    return chosen
