"""Decoupled contrastive learning: the pair that attracts is left out of those that repel."""

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity

from csl.checks import check_temperature
from csl.distributed import Group, gather_rows, rank, size, world
from csl.losses.similarities import view_similarities


def dcl_loss(
    first: Tensor, second: Tensor, temperature: float = 0.1, sigma: float | None = None, group: Group = None
) -> Tensor:
    """The decoupled contrastive loss over the images of all processes; with `sigma` the weighted one (DCLW).

        loss = mean_i  −w_i z_i · z_i' / T + log Σ_j exp(z_i · z_j / T)

    over all 2B views i, where j runs over the views of *other* images. NT-Xent's sum holds the positive pair, too,
    which weakens the gradient of easy pairs and makes it need large batches.

        w_i = 1,  or with sigma  2 − exp(z_i · z_i' / σ) / mean_k exp(z_k · z_k' / σ)

    The mean is over the images of all processes, and no gradient flows through w.

    From Decoupled Contrastive Learning, 2021, arXiv 2110.06848.

    Args:
        first: One view of each of this process's images `[B, D]`, of any length.
        second: The other view of the same images `[B, D]`.
        temperature: T.
        sigma: σ; not weighted if None.
        group: The processes, with as many images each.

    Example:
        >>> one = torch.eye(2)
        >>> float(dcl_loss(one, one, temperature=1.0))  # -1 + log(1 + 1)
        -0.30685281...
    """
    pairs = view_similarities(first, second, group)
    negatives = (pairs.cosines / temperature).masked_fill(pairs.is_same_image, -torch.inf).logsumexp(dim=1)
    positive = cosine_similarity(first, second)
    attraction = positive / temperature
    if sigma is not None:
        attraction = attraction * _weights(positive.detach() / sigma, group)
    return negatives.mean() - attraction.mean()


def _weights(scores: Tensor, group: Group) -> Tensor:
    """`2 − exp(s_i) / mean_k exp(s_k)` of this process's images, the mean over those of all."""
    own = len(scores)
    everyones = gather_rows(scores, group, [own] * size(group))
    shares = everyones.softmax(dim=0).chunk(size(group))[rank(group)]
    return 2 - len(everyones) * shares


class DCLLoss(nn.Module):
    """The decoupled contrastive loss as a module, over the images of all processes; see `dcl_loss`.

    Args:
        temperature: T.
        sigma: σ; not weighted if None.

    Raises:
        ValueError: If the temperature or sigma is not positive.

    Example:
        >>> DCLLoss(sigma=0.5).temperature
        0.1
    """

    def __init__(self, temperature: float = 0.1, sigma: float | None = None) -> None:
        super().__init__()
        check_temperature(temperature=temperature)
        if sigma is not None:
            check_temperature(sigma=sigma)
        self.temperature, self.sigma = temperature, sigma

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """The loss of this process's two views `[B, D]`."""
        return dcl_loss(first, second, self.temperature, self.sigma, world())
