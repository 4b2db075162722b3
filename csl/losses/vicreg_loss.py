"""VICReg: views agree, every feature varies, no two features tell the same."""

from torch import Tensor, nn
from torch.nn.functional import mse_loss

from csl.checks import check_range
from csl.distributed import Group, gather_equal_rows, world

_EPSILON = 1e-4  # keeps the slope of the root finite where a feature is constant


def vicreg_loss(
    first: Tensor,
    second: Tensor,
    invariance_weight: float = 25.0,
    variance_weight: float = 25.0,
    covariance_weight: float = 1.0,
    group: Group = None,
) -> Tensor:
    """Invariance, variance and covariance of two views, over the images of all processes.

        loss = λ mean (z_1 − z_2)² + μ (v(Z_1) + v(Z_2)) / 2 + ν (c(Z_1) + c(Z_2))
        v(Z) = mean_j max(0, 1 − √(Var(z_j) + 1e-4)),      c(Z) = Σ_{i ≠ j} Cov(Z)_ij² / D

    Variances and covariances are unbiased (divided by B − 1) and those of all processes' images together.

    From VICReg: Variance-Invariance-Covariance Regularization, 2021, arXiv 2105.04906. The variance term is halved, as
    in the authors' code, with which their figures were measured; the paper's formula is not.

    Args:
        first: One view of each of this process's images `[B, D]`.
        second: The other view of the same images `[B, D]`.
        invariance_weight: λ.
        variance_weight: μ.
        covariance_weight: ν.
        group: The processes, with as many images each.

    Example:
        >>> import torch
        >>> views = 2 * torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
        >>> float(vicreg_loss(views, views))  # they agree, vary by more than 1, and are uncorrelated
        0.0
    """
    one, other = (gather_equal_rows(view, group) for view in (first, second))
    variance = (_hinge(one) + _hinge(other)) / 2
    covariance = _redundancy(one) + _redundancy(other)
    return invariance_weight * mse_loss(one, other) + variance_weight * variance + covariance_weight * covariance


def _hinge(view: Tensor) -> Tensor:
    return (1 - (view.var(dim=0) + _EPSILON).sqrt()).relu().mean()


def _redundancy(view: Tensor) -> Tensor:
    centered = view - view.mean(dim=0)
    covariance = centered.T @ centered / (len(view) - 1)
    return (covariance.square().sum() - covariance.diagonal().square().sum()) / view.shape[1]


class VICRegLoss(nn.Module):
    """VICReg's loss as a module, over the images of all processes; see `vicreg_loss`.

    Args:
        invariance_weight: λ.
        variance_weight: μ.
        covariance_weight: ν.

    Raises:
        ValueError: If a weight is negative.

    Example:
        >>> VICRegLoss(covariance_weight=0.5).invariance_weight
        25.0
    """

    def __init__(
        self, invariance_weight: float = 25.0, variance_weight: float = 25.0, covariance_weight: float = 1.0
    ) -> None:
        super().__init__()
        check_range("invariance_weight", invariance_weight)
        check_range("variance_weight", variance_weight)
        check_range("covariance_weight", covariance_weight)
        self.invariance_weight, self.variance_weight = invariance_weight, variance_weight
        self.covariance_weight = covariance_weight

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """The loss of this process's two views `[B, D]`."""
        weights = (self.invariance_weight, self.variance_weight, self.covariance_weight)
        return vicreg_loss(first, second, *weights, world())
