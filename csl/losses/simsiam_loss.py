"""SimSiam's regression: predictions turn towards targets that are held still."""

from torch import Tensor, nn
from torch.nn.functional import cosine_similarity


def simsiam_loss(predictions: Tensor, targets: Tensor) -> Tensor:
    """The mean negative cosine of predictions and targets, where targets get no gradient.

        loss = −mean_i cos(p_i, t_i),  from −1 to 1

    From Exploring Simple Siamese Representation Learning, 2020, arXiv 2011.10566, where stopping the targets' gradient
    is what keeps the encoder from collapsing.

    Args:
        predictions: `[B, D]`, of any length.
        targets: `[B, D]`, of any length.

    Example:
        >>> import torch
        >>> float(simsiam_loss(torch.eye(2), 3 * torch.eye(2)))
        -1.0
    """
    return -cosine_similarity(predictions, targets.detach()).mean()


class SimSiamLoss(nn.Module):
    """SimSiam's loss as a module; see `simsiam_loss`.

    Example:
        >>> import torch
        >>> float(SimSiamLoss()(torch.eye(2), -torch.eye(2)))
        1.0
    """

    def forward(self, predictions: Tensor, targets: Tensor) -> Tensor:
        """The loss of predictions `[B, D]` for targets `[B, D]`."""
        return simsiam_loss(predictions, targets)
