"""Procrustes similarity: how much of one set of features is a rotation of another?"""

import torch
from torch import Tensor

from csl.distributed import Group
from csl.metrics.twins import Twins
from csl.metrics.undefined import undefined


def procrustes_similarity(first: Tensor, second: Tensor, *, group: Group = None) -> Tensor:
    """How close two sets of features of the same samples come by shifting, scaling and rotating.

    `s = ‖XᵀY‖_* / (‖X‖ ‖Y‖)` for features X `[N, D]` and Y `[N, E]` less their means, with the nuclear norm (sum of
    singular values) above and Frobenius norms below. Between 0 and 1; 1 where one is a rotation and scaling of the
    other. The squared Procrustes distance of the sets at norm 1 is `min_Q ‖X − Y Q‖² = 2 − 2 s`, with Q orthogonal and
    zeros filling up the narrower set. All directions count by their standard deviation, those of small variance more
    than in `linear_cka`. See Ding, Denain, Steinhardt, "Grounding Representation Similarity with Statistical Testing"
    (2021, arXiv 2108.01661); Schönemann, "A generalized solution of the orthogonal Procrustes problem" (1966).
    Only D×D, E×E and D×E sums are kept. It is biased upwards where N is not far above D and E.

    Args:
        first: This process's rows of one set `[n, D]`, any floating dtype.
        second: The same samples in the other `[n, E]`.
        group: The processes that hold the other rows; None for one process.

    Returns:
        float64 scalar; NaN, with a warning, if either set has no variance.

    Raises:
        ValueError: If one is no finite matrix, or they have not as many rows.

    Example:
        >>> x = torch.tensor([[0.0, 1.0], [1.0, 0.0], [3.0, 3.0]])
        >>> procrustes_similarity(x, 2 * x.flip(1) + 5).round(decimals=6)
        tensor(1., dtype=torch.float64)
    """
    return rotated_similarity(Twins(first, second, group))


def rotated_similarity(twins: Twins) -> Tensor:
    """The similarity of two sets that others compare, too."""
    if not twins.varied:
        return undefined("Procrustes similarity", "one of the sets has no variance", twins.first.features)
    scale = [one.spectrum.moments.scatter.trace().sqrt() for one in (twins.first, twins.second)]
    similarity: Tensor = torch.linalg.svdvals(twins.cross).sum() / (scale[0] * scale[1])
    return similarity
