"""Supervised contrast: all views of all images of a class attract each other."""

import torch
from torch import Tensor, nn

from csl.checks import check_temperature
from csl.distributed import Group, gather_rows, size, world
from csl.losses.similarities import view_similarities


def supcon_loss(first: Tensor, second: Tensor, labels: Tensor, temperature: float = 0.2, group: Group = None) -> Tensor:
    """The supervised contrastive loss over the images of all processes.

        loss = mean_i −mean_{p ∈ P(i)} log( exp(z_i · z_p / T) / Σ_{j ≠ i} exp(z_i · z_j / T) )

    over all 2B views i, where P(i) are the other views of the same class and z is normalised first. The other view of
    an image is always in P(i): a class with one image in the batch, or an image without a label, is as in NT-Xent.

    From Supervised Contrastive Learning, 2020, arXiv 2004.11362: its L_out, the mean outside the logarithm.

    Args:
        first: One view of each of this process's images `[B, D]`, of any length.
        second: The other view of the same images `[B, D]`.
        labels: Class of each image `[B]`; below 0 where it has none.
        temperature: T.
        group: The processes, with as many images each.

    Example:
        >>> one = torch.eye(2)
        >>> float(supcon_loss(one, one, torch.tensor([3, -1]), temperature=1.0))  # alone: -log(e / (e + 1 + 1))
        0.551444...
    """
    pairs = view_similarities(first, second, group)
    everyones = gather_rows(labels, group, [len(labels)] * size(group))
    is_same_class = (labels[:, None] == everyones) & (labels >= 0)[:, None]
    is_positive = (is_same_class.repeat(2, 2) | pairs.is_same_image) & ~pairs.is_itself
    log_shares = (pairs.cosines / temperature).masked_fill(pairs.is_itself, -torch.inf).log_softmax(dim=1)
    return -(log_shares.masked_fill(~is_positive, 0.0).sum(dim=1) / is_positive.sum(dim=1)).mean()


class SupConLoss(nn.Module):
    """The supervised contrastive loss as a module, over the images of all processes; see `supcon_loss`.

    Args:
        temperature: T.

    Raises:
        ValueError: If the temperature is not positive.

    Example:
        >>> SupConLoss(temperature=0.5).temperature
        0.5
    """

    def __init__(self, temperature: float = 0.2) -> None:
        super().__init__()
        check_temperature(temperature=temperature)
        self.temperature = temperature

    def forward(self, first: Tensor, second: Tensor, labels: Tensor) -> Tensor:
        """The loss of this process's two views `[B, D]` with labels `[B]`."""
        return supcon_loss(first, second, labels, self.temperature, world())
