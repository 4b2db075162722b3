"""TiCo: views agree, and no direction holds more of the features than another."""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from csl.checks import check_range
from csl.distributed import Group, all_reduce, size


def tico_loss(first: Tensor, second: Tensor, covariance: Tensor, rho: float = 8.0) -> Tensor:
    """Transformation invariance and covariance contrast.

        loss = mean_i  1 − z_i · z_i' + ρ z_iᵀ C z_i

    where z and z' are the unit vectors of two views. C is a constant: no gradient flows through it.

    From TiCo: Transformation Invariance and Covariance Contrast for Self-Supervised Visual Representation Learning,
    2022, arXiv 2206.10698.

    Args:
        first: z `[B, D]`, of any length.
        second: z' `[B, D]`, of any length.
        covariance: C `[D, D]`, see `moved_covariance`.
        rho: ρ.

    Example:
        >>> one = torch.eye(2)
        >>> float(tico_loss(one, one, one / 2, rho=1.0))
        0.5
    """
    first, second = normalize(first, dim=1), normalize(second, dim=1)
    contrast = ((first @ covariance.detach()) * first).sum(dim=1)
    return (1 - (first * second).sum(dim=1) + rho * contrast).mean()


@torch.no_grad()
def moved_covariance(covariance: Tensor, first: Tensor, beta: float = 0.9, group: Group = None) -> Tensor:
    """The moving average of covariances, one batch further.

        C ← β C + (1 − β) mean_i z_i z_iᵀ      over the images of all processes

    Args:
        covariance: C of the batch before `[D, D]`.
        first: z of this process's images `[B, D]`, of any length.
        beta: β.
        group: The processes, with as many images each.

    Example:
        >>> moved_covariance(torch.zeros(2, 2), torch.eye(2), beta=0.5)
        tensor([[0.2500, 0.0000],
                [0.0000, 0.2500]])
    """
    first = normalize(first, dim=1)
    moment = all_reduce(first.T @ first, group) / (len(first) * size(group))
    return beta * covariance + (1 - beta) * moment


class TiCoLoss(nn.Module):
    """TiCo's loss as a module; see `tico_loss`.

    Args:
        rho: ρ.

    Raises:
        ValueError: If rho is negative.

    Example:
        >>> TiCoLoss().rho
        8.0
    """

    def __init__(self, rho: float = 8.0) -> None:
        super().__init__()
        check_range("rho", rho)
        self.rho = rho

    def forward(self, first: Tensor, second: Tensor, covariance: Tensor) -> Tensor:
        """The loss of this process's two views `[B, D]` with the covariance `[D, D]`."""
        return tico_loss(first, second, covariance, self.rho)
