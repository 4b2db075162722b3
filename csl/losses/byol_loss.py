"""BYOL's regression: the squared distance of unit vectors."""

from torch import Tensor, nn
from torch.nn.functional import cosine_similarity


def byol_loss(predictions: Tensor, targets: Tensor) -> Tensor:
    """The mean squared distance between predictions and targets, both scaled to length 1.

        loss = mean_i ‖p_i − t_i‖² = mean_i 2 − 2 cos(p_i, t_i),  from 0 to 4

    From Bootstrap Your Own Latent, 2020, arXiv 2006.07733.

    Args:
        predictions: `[B, D]`, of any length.
        targets: `[B, D]`, of any length.

    Example:
        >>> import torch
        >>> float(byol_loss(torch.eye(2), -torch.eye(2)))
        4.0
    """
    return 2 - 2 * cosine_similarity(predictions, targets).mean()


class BYOLLoss(nn.Module):
    """BYOL's loss as a module; see `byol_loss`.

    Example:
        >>> import torch
        >>> float(BYOLLoss()(torch.eye(2), torch.eye(2)))
        0.0
    """

    def forward(self, predictions: Tensor, targets: Tensor) -> Tensor:
        """The loss of predictions `[B, D]` for targets `[B, D]`."""
        return byol_loss(predictions, targets)
