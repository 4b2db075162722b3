"""The spectral contrastive loss: views of an image align, different images become orthogonal."""

import math

from torch import Tensor, nn

from csl.checks import check_range
from csl.distributed import Group, gather_equal_rows, world


def spectral_contrastive_loss(first: Tensor, second: Tensor, mu: float = 1.0, group: Group = None) -> Tensor:
    """The spectral contrastive loss over the images of all processes.

        loss = ( −2 mean_i f_i · g_i + mean_{i ≠ j} (f_i · g_j)² ) / μ

    where f and g are the two views, clipped to the ball of radius √μ: longer ones are shortened to √μ, shorter ones
    stay as they are, so that features are not normalised. Its minimum factorises the graph of augmentations.

    From Provable Guarantees for Self-Supervised Deep Learning with Spectral Contrastive Loss, 2021, arXiv 2106.04156.
    An image's own pair is left out of the second mean, as in the authors' code.

    Args:
        first: One view of each of this process's images `[B, D]`, f before clipping.
        second: The other view of the same images `[B, D]`, g before clipping.
        mu: μ, the square of the ball's radius.
        group: The processes, with as many images each.

    Example:
        >>> import torch
        >>> float(spectral_contrastive_loss(torch.eye(3), torch.eye(3)))
        -2.0
    """
    views = [_clipped(gather_equal_rows(view, group), math.sqrt(mu)) for view in (first, second)]
    products = views[0] @ views[1].T
    own, images = products.diagonal(), len(products)
    others = (products.square().sum() - own.square().sum()) / (images * (images - 1))
    return (others - 2 * own.mean()) / mu


def _clipped(view: Tensor, radius: float) -> Tensor:
    lengths: Tensor = view.norm(dim=1, keepdim=True)
    return view * radius / lengths.clamp_min(radius)


class SpectralContrastiveLoss(nn.Module):
    """The spectral contrastive loss as a module, over the images of all processes; see `spectral_contrastive_loss`.

    Args:
        mu: μ, the square of the ball's radius.

    Raises:
        ValueError: If μ is not positive.

    Example:
        >>> SpectralContrastiveLoss(mu=10.0).mu
        10.0
    """

    def __init__(self, mu: float = 1.0) -> None:
        super().__init__()
        check_range("mu", mu, above=0.0)
        self.mu = mu

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """The loss of this process's two views `[B, D]`."""
        return spectral_contrastive_loss(first, second, self.mu, world())
