"""Barlow Twins: features of two views correlate each with itself, and with no other."""

from torch import nn

from csl.checks import check_positive
from csl.encoders import Network
from csl.losses import BarlowTwinsLoss
from csl.methods.joint_embedding import JointEmbedding
from csl.methods.optimization import Optimization

RECIPE = Optimization("lars", lr=0.3, weight_decay=1e-4)


class BarlowTwins(JointEmbedding):
    """Redundancy reduction between two views.

    The loss (`csl.losses.barlow_twins_loss`) is of what encoder and projection head give for two views of each image.
    The projection head is wide, and its last batch norm, without affine parameters, is part of the loss: with several
    processes its statistics, and the correlations, are those of all of them.

    From Barlow Twins: Self-Supervised Learning via Redundancy Reduction, 2021, arXiv 2103.03230.

    Args:
        encoder: The network to be trained and studied.
        hidden_dim: Hidden units of the projection head's two hidden layers.
        output_dim: Length of the projection head's output; more is better in the paper, up to 16,384 on ImageNet.
        loss: Called with both views' projections `[B, D]` in place of `BarlowTwinsLoss()`.
        optimization: Optimizer and learning-rate schedule.

    Raises:
        ValueError: If a size is not positive.

    Example:
        >>> from csl.encoders import ConvNet
        >>> BarlowTwins(ConvNet(), output_dim=512).loss.redundancy_weight
        0.0051
    """

    def __init__(
        self,
        encoder: Network,
        hidden_dim: int = 2048,
        output_dim: int = 2048,
        loss: nn.Module | None = None,
        optimization: Optimization = RECIPE,
    ) -> None:
        super().__init__(encoder, optimization)
        check_positive(hidden_dim=hidden_dim, output_dim=output_dim)
        # Imported here: lightly's modules take seconds, and a command need not use this method.
        from lightly.models.modules.heads import BarlowTwinsProjectionHead

        self.projection_head = BarlowTwinsProjectionHead(self.encoder.feature_dim, hidden_dim, output_dim)
        self.loss = loss or BarlowTwinsLoss()
