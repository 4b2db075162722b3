"""SimCLR: two views of an image attract each other, all other images of the batch repel."""

from torch import nn

from csl.checks import check_positive
from csl.encoders import Network
from csl.losses import NTXentLoss, loss_or
from csl.methods.joint_embedding import JointEmbedding
from csl.methods.optimization import Optimization

RECIPE = Optimization("lars", lr=0.4, weight_decay=1e-4)


class SimCLR(JointEmbedding):
    """Contrast within the batch.

    The loss is NT-Xent (`csl.losses.nt_xent_loss`) of what encoder and projection head give for two views of each
    image. With several processes the batch is that of all of them.

    From A Simple Framework for Contrastive Learning of Visual Representations, 2020, arXiv 2002.05709.

    Args:
        encoder: The network to be trained and studied.
        temperature: T of the loss.
        hidden_dim: Hidden units of the projection head.
        output_dim: Length of the projection head's output.
        loss: Called with both views' projections `[B, D]` in place of `NTXentLoss(temperature)`.
        optimization: Optimizer and learning-rate schedule.

    Raises:
        ValueError: If the temperature is not positive.

    Example:
        >>> from csl.encoders import ConvNet
        >>> SimCLR(ConvNet(), temperature=0.5).loss.temperature
        0.5
    """

    def __init__(
        self,
        encoder: Network,
        temperature: float = 0.2,
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
        self.loss = loss_or(loss, NTXentLoss(temperature), temperature=(temperature, 0.2))
