"""Masked reconstruction: how far predicted patches are from the hidden ones."""

from torch import Tensor, nn


def mae_loss(predictions: Tensor, patches: Tensor) -> Tensor:
    """The mean squared error of predicted pixels, where each patch is brought to mean 0 and variance 1 before.

        loss = mean (x̂ − (x − μ) / √(σ² + 10⁻⁶))²

    with the mean μ and the unbiased variance σ² of the patch's own pixels.

    From Masked Autoencoders Are Scalable Vision Learners, 2021, arXiv 2111.06377.

    Args:
        predictions: x̂, of the hidden patches `[B, M, P]`, of P pixels each.
        patches: x, the hidden patches `[B, M, P]`.

    Example:
        >>> import torch
        >>> round(float(mae_loss(torch.zeros(1, 1, 2), torch.tensor([[[0.0, 1.0]]]))), 4)  # (±0.7071)²
        0.5
    """
    variance, mean = patches.var(dim=2, keepdim=True), patches.mean(dim=2, keepdim=True)
    return (predictions - (patches - mean) / (variance + 1e-6).sqrt()).square().mean()


class MAELoss(nn.Module):
    """The loss of masked reconstruction as a module; see `mae_loss`.

    Example:
        >>> import torch
        >>> float(MAELoss()(torch.ones(1, 1, 2), torch.zeros(1, 1, 2)))
        1.0
    """

    def forward(self, predictions: Tensor, patches: Tensor) -> Tensor:
        """The loss of predictions `[B, M, P]` of hidden patches `[B, M, P]`."""
        return mae_loss(predictions, patches)
