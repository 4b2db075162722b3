"""Linear CKA: do two encoders spread the same samples in the same way?"""

import torch
from torch import Tensor

from csl.distributed import Group, all_reduce
from csl.metrics.twins import twins
from csl.metrics.undefined import undefined
from csl.pairwise import blocks

_ROWS = 4096  # rows converted to float64 at a time
_ROUNDING = 1e-24  # share of the sum of squares below which a sum of squared deviations is rounding


def linear_cka(first: Tensor, second: Tensor, *, group: Group = None) -> Tensor:
    """Linear centred kernel alignment of two sets of features of the same samples.

    `‖XᵀY‖² / (‖XᵀX‖ ‖YᵀY‖)` with Frobenius norms, for features X `[N, D]` and Y `[N, E]` less their means. Between 0
    and 1; 1 where one is a rotation and scaling of the other, whatever their offsets. Directions of large variance
    decide. See Kornblith et al., "Similarity of Neural Network Representations Revisited" (2019, arXiv 1905.00414).
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
        >>> linear_cka(x, 2 * x.flip(1) + 5).round(decimals=6)
        tensor(1., dtype=torch.float64)
    """
    both = twins(first, second, group)
    moments = [one.spectrum.moments for one in both]
    for one in moments:
        squares = one.scatter.trace() + one.number * one.mean.square().sum()
        if not bool(one.scatter.trace() > _ROUNDING * squares):
            return undefined("linear CKA", "one of the sets has no variance", first)
    cross = torch.zeros(first.shape[1], second.shape[1], dtype=torch.float64, device=first.device)
    for part in blocks(len(first), _ROWS):
        x, y = (one.features[part].double() - known.mean for one, known in zip(both, moments, strict=True))
        cross += x.T @ y
    scale = moments[0].scatter.square().sum() * moments[1].scatter.square().sum()
    return all_reduce(cross, group).square().sum() / scale.sqrt()
