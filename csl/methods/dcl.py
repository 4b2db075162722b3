"""Decoupled contrastive learning: SimCLR whose positive pair is not among the negatives."""

from torch import nn

from csl.checks import check_positive
from csl.encoders import Network
from csl.losses import DCLLoss, loss_or
from csl.methods.joint_embedding import JointEmbedding
from csl.methods.optimization import Optimization

RECIPE = Optimization("lars", lr=0.4, weight_decay=1e-4)


class DCL(JointEmbedding):
    """Contrast within the batch that also works in small batches.

    The loss (`csl.losses.dcl_loss`) is of what encoder and projection head give for two views of each image; both views
    of an image are left out of its negatives. It gains over SimCLR in batches of 32 to 256 and little above. With
    several processes the batch is that of all of them.

    From Decoupled Contrastive Learning, 2021, arXiv 2110.06848.

    Args:
        encoder: The network to be trained and studied.
        temperature: T of the loss.
        weighted: Whether hard positive pairs count more than easy ones (DCLW).
        sigma: σ of the weights, where `weighted`.
        hidden_dim: Hidden units of the projection head.
        output_dim: Length of the projection head's output.
        loss: Called with both views' projections `[B, D]` in place of `DCLLoss(temperature, sigma)`.
        optimization: Optimizer and learning-rate schedule.

    Raises:
        ValueError: If the temperature, sigma or a size is not positive.

    Example:
        >>> from csl.encoders import ConvNet
        >>> DCL(ConvNet(), weighted=True).loss.sigma
        0.5
    """

    def __init__(
        self,
        encoder: Network,
        temperature: float = 0.1,
        weighted: bool = False,
        sigma: float = 0.5,
        hidden_dim: int = 2048,
        output_dim: int = 256,
        loss: nn.Module | None = None,
        optimization: Optimization = RECIPE,
    ) -> None:
        super().__init__(encoder, optimization)
        check_positive(hidden_dim=hidden_dim, output_dim=output_dim)
        # Imported here: lightly's modules take seconds, and a command need not use this method.
        from lightly.models.modules.heads import SimCLRProjectionHead

        self.projection_head = SimCLRProjectionHead(self.encoder.feature_dim, hidden_dim, output_dim)
        own = DCLLoss(temperature, sigma if weighted else None)
        self.loss = loss_or(loss, own, temperature=(temperature, 0.1), sigma=(sigma, 0.5), weighted=(weighted, False))
