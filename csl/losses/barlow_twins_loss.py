"""Barlow Twins: the cross-correlation of two views' features becomes the identity."""

from torch import Tensor, nn
from torch.nn.functional import batch_norm

from csl.checks import check_range
from csl.distributed import Group, gather_equal_rows, world


def barlow_twins_loss(
    first: Tensor, second: Tensor, redundancy_weight: float = 0.0051, scale: float = 0.1, group: Group = None
) -> Tensor:
    """How far the cross-correlation C of two views is from the identity, over the images of all processes.

        loss = scale · ( Σ_i (1 − C_ii)² + w Σ_{i ≠ j} C_ij² ),      C = Z_1ᵀ Z_2 / B

    where the columns of Z have mean 0 and variance 1 over the images of all processes: the last batch norm, without
    affine parameters, is part of the loss. Statistics of one process each would be another loss.

    From Barlow Twins: Self-Supervised Learning via Redundancy Reduction, 2021, arXiv 2103.03230, with w = 0.0051. The
    sum grows with D, so that the scale decides which learning rate suits; 0.1 is usual with D = 2,048.

    Args:
        first: One view of each of this process's images `[B, D]`.
        second: The other view of the same images `[B, D]`.
        redundancy_weight: w.
        scale: Multiplies the loss.
        group: The processes, with as many images each.

    Example:
        >>> import torch
        >>> views = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])  # uncorrelated
        >>> float(barlow_twins_loss(views, views)) < 1e-6
        True
    """
    views = [gather_equal_rows(view, group) for view in (first, second)]
    one, other = (batch_norm(view, None, None, training=True) for view in views)
    correlation = one.T @ other / len(one)
    diagonal = correlation.diagonal()
    redundancy = correlation.square().sum() - diagonal.square().sum()
    return scale * ((1 - diagonal).square().sum() + redundancy_weight * redundancy)


class BarlowTwinsLoss(nn.Module):
    """The loss of Barlow Twins as a module, over the images of all processes; see `barlow_twins_loss`.

    Args:
        redundancy_weight: w.
        scale: Multiplies the loss.

    Raises:
        ValueError: If the weight is negative, or the scale is not positive.

    Example:
        >>> BarlowTwinsLoss(scale=1.0).redundancy_weight
        0.0051
    """

    def __init__(self, redundancy_weight: float = 0.0051, scale: float = 0.1) -> None:
        super().__init__()
        check_range("redundancy_weight", redundancy_weight)
        check_range("scale", scale, above=0.0)
        self.redundancy_weight, self.scale = redundancy_weight, scale

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """The loss of this process's two views `[B, D]`."""
        return barlow_twins_loss(first, second, self.redundancy_weight, self.scale, world())
