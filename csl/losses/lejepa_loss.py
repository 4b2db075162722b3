"""LeJEPA: all views of an image predict its full views' mean, and embeddings are distributed as a standard normal."""

import torch
from torch import Tensor, nn

from csl.checks import check_positive, check_share
from csl.distributed import Group, size, summed, world


def sigreg_loss(
    embeddings: Tensor, directions: Tensor, knots: int = 17, largest: float = 3.0, group: Group = None
) -> Tensor:
    """How far embeddings are from a standard normal distribution, along random directions (SIGReg).

    The Epps–Pulley statistic of each direction a, averaged over directions and views:

        N ∫ |mean_i exp(i t aᵀz_i) − exp(−t²/2)|² exp(−t²/2) dt

    The integral is over −`largest` to `largest`, by the trapezoidal rule. The mean is over the samples of all
    processes, N in number; the gradient of one on all of them is the mean of the processes' gradients.

    From LeJEPA, 2025, arXiv 2511.08544.

    Args:
        embeddings: z `[V, B, D]`, of V views, each a sample by itself.
        directions: a, unit vectors `[D, M]`, the same on every process.
        knots: Points of the integral from 0 to `largest`.
        largest: Largest t.
        group: The processes, with as many images each.

    Example:
        >>> samples = torch.randn(1, 4096, 2, generator=torch.Generator().manual_seed(0))
        >>> float(sigreg_loss(samples, torch.eye(2))) < 9.0 < float(sigreg_loss(samples * 2, torch.eye(2)))
        True
    """
    t = torch.linspace(0, largest, knots, dtype=embeddings.dtype, device=embeddings.device)
    normal = (-t.square() / 2).exp()
    weights = torch.ones_like(t) * 2 * largest / (knots - 1)
    weights[:1] /= 2
    weights[-1:] /= 2
    number = embeddings.shape[1] * size(group)
    angles = (embeddings @ directions)[..., None] * t
    real, imaginary = summed(torch.stack([angles.cos().sum(dim=1), angles.sin().sum(dim=1)]), group) / number
    errors = (real - normal).square() + imaginary.square()
    statistics: Tensor = errors @ (weights * normal)
    return number * statistics.mean()


def lejepa_loss(
    embeddings: Tensor, directions: Tensor, weight: float = 0.05, full_views: int = 4, group: Group = None
) -> Tensor:
    """The weighted sum of LeJEPA's two terms.

        loss = (1 − λ) mean_{v, i, d} (z_vid − z̄_id)² + λ SIGReg(z)

    z̄ is the mean of an image's first views, the full ones; SIGReg is `sigreg_loss`.

    From LeJEPA, 2025, arXiv 2511.08544.

    Args:
        embeddings: z `[V, B, D]`, of V views.
        directions: Unit vectors `[D, M]`, the same on every process.
        weight: λ.
        full_views: How many views z̄ is the mean of.
        group: The processes, with as many images each.

    Example:
        >>> z = torch.tensor([0.0, 2.0, 4.0]).reshape(3, 1, 1)
        >>> float(lejepa_loss(z, torch.ones(1, 1), weight=0.0, full_views=2))  # (1 + 1 + 9) / 3
        3.6666667461395264
    """
    center = embeddings[:full_views].mean(dim=0)
    invariance = (embeddings - center).square().mean()
    return (1 - weight) * invariance + weight * sigreg_loss(embeddings, directions, group=group)


class LeJEPALoss(nn.Module):
    """LeJEPA's loss as a module, over the images of all processes; see `lejepa_loss`.

    Args:
        weight: λ, the share of SIGReg.
        full_views: How many views, the first ones, all views are to predict the mean of.

    Raises:
        ValueError: If the weight is outside 0 to 1, or there is no full view.

    Example:
        >>> float(LeJEPALoss(weight=0.0)(torch.ones(2, 1, 1), torch.ones(1, 1)))
        0.0
    """

    def __init__(self, weight: float = 0.05, full_views: int = 4) -> None:
        super().__init__()
        check_share(weight=weight)
        check_positive(full_views=full_views)
        self.weight, self.full_views = weight, full_views

    def forward(self, embeddings: Tensor, directions: Tensor) -> Tensor:
        """The loss of embeddings `[V, B, D]` along directions `[D, M]`."""
        return lejepa_loss(embeddings, directions, self.weight, self.full_views, world())
