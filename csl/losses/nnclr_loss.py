"""NNCLR's contrast: find the prediction that belongs to each image's nearest neighbour."""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from csl.checks import check_temperature
from csl.distributed import Group, gather_equal_rows, rank, world


def nnclr_loss(neighbors: Tensor, predictions: Tensor, temperature: float = 0.2, group: Group = None) -> Tensor:
    """The mean cross-entropy of finding each image's prediction among those of all processes' images.

        loss = mean_i −log( exp(n_i · p_i / T) / Σ_j exp(n_i · p_j / T) )

    where n_i is the unit vector of the nearest neighbour of one view of image i, and p_i that of the prediction from
    the other view.

    From With a Little Help from My Friends: Nearest-Neighbor Contrastive Learning of Visual Representations, 2021,
    arXiv 2104.14548.

    Args:
        neighbors: Of this process's images `[B, D]`, of any length.
        predictions: Of the same images `[B, D]`, of any length.
        temperature: T.
        group: The processes, with as many images each.

    Example:
        >>> one = torch.eye(2)
        >>> float(nnclr_loss(one, one, temperature=1.0))  # -log(e / (e + 1))
        0.3132616...
    """
    everyones = gather_equal_rows(normalize(predictions, dim=1), group)
    logits = normalize(neighbors, dim=1) @ everyones.T / temperature
    own = torch.arange(len(neighbors), device=neighbors.device) + rank(group) * len(neighbors)
    return cross_entropy(logits, own)


class NNCLRLoss(nn.Module):
    """NNCLR's contrast as a module, over the images of all processes; see `nnclr_loss`.

    Args:
        temperature: T.

    Raises:
        ValueError: If the temperature is not positive.

    Example:
        >>> NNCLRLoss(temperature=0.2).temperature
        0.2
    """

    def __init__(self, temperature: float = 0.2) -> None:
        super().__init__()
        check_temperature(temperature=temperature)
        self.temperature = temperature

    def forward(self, neighbors: Tensor, predictions: Tensor) -> Tensor:
        """The loss of this process's neighbours and predictions `[B, D]`."""
        return nnclr_loss(neighbors, predictions, self.temperature, world())
