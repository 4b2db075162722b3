"""Spectral contrastive learning: contrast by squares, whose minimum factorises the graph of augmentations."""

from torch import nn

from csl.checks import check_positive
from csl.encoders import Network
from csl.losses import SpectralContrastiveLoss, loss_or
from csl.methods.joint_embedding import JointEmbedding
from csl.methods.optimization import Optimization

RECIPE = Optimization("sgd", lr=0.03, weight_decay=5e-4)


class SpectralContrastive(JointEmbedding):
    """Contrast without exponentials.

    The loss (`csl.losses.spectral_contrastive_loss`) is of what encoder and projection head give for two views of each
    image. Their length carries meaning: vectors are clipped to the ball of radius √μ and not normalised. The projection
    head ends in batch norm without a ReLU. With several processes the batch is that of all of them.

    From Provable Guarantees for Self-Supervised Deep Learning with Spectral Contrastive Loss, 2021, arXiv 2106.04156.

    Args:
        encoder: The network to be trained and studied.
        mu: μ of the loss, the square of the ball's radius; 1 on CIFAR-10, 10 on ImageNet.
        hidden_dim: Hidden units of the projection head.
        output_dim: Length of the projection head's output.
        loss: Called with both views' projections `[B, D]` in place of `SpectralContrastiveLoss(mu)`.
        optimization: Optimizer and learning-rate schedule.

    Raises:
        ValueError: If a size or μ is not positive.

    Example:
        >>> from csl.encoders import ConvNet
        >>> SpectralContrastive(ConvNet(), mu=3.0).loss.mu
        3.0
    """

    def __init__(
        self,
        encoder: Network,
        mu: float = 1.0,
        hidden_dim: int = 2048,
        output_dim: int = 1000,
        loss: nn.Module | None = None,
        optimization: Optimization = RECIPE,
    ) -> None:
        super().__init__(encoder, optimization)
        check_positive(hidden_dim=hidden_dim, output_dim=output_dim)
        # Imported here: lightly's modules take seconds, and a command need not use this method.
        from lightly.models.modules.heads import SimCLRProjectionHead

        self.projection_head = SimCLRProjectionHead(self.encoder.feature_dim, hidden_dim, output_dim)
        own = SpectralContrastiveLoss(mu)
        self.loss = loss_or(loss, own, mu=(mu, 1.0))
