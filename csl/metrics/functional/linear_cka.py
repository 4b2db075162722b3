"""Linear CKA: do two encoders spread the same samples in the same way?"""

from torch import Tensor

from csl.distributed import Group
from csl.metrics.twins import Twins
from csl.metrics.undefined import undefined


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
        >>> import torch
        >>> x = torch.tensor([[0.0, 1.0], [1.0, 0.0], [3.0, 3.0]])
        >>> linear_cka(x, 2 * x.flip(1) + 5).round(decimals=6)
        tensor(1., dtype=torch.float64)
    """
    return alignment_of(Twins(first, second, group))


def alignment_of(twins: Twins) -> Tensor:
    """The alignment of two sets that others compare, too."""
    if not twins.varied:
        return undefined("linear CKA", "one of the sets has no variance", twins.first.features)
    scatters = [one.spectrum.moments.scatter.square().sum().sqrt() for one in (twins.first, twins.second)]
    return twins.cross.square().sum() / (scatters[0] * scatters[1])
