"""VICReg: views agree, every feature varies, no two features tell the same."""

from torch import nn

from csl.checks import check_positive
from csl.encoders import Network
from csl.losses import VICRegLoss
from csl.methods.joint_embedding import JointEmbedding
from csl.methods.optimization import Optimization

RECIPE = Optimization("lars", lr=0.3, weight_decay=1e-4)


class VICReg(JointEmbedding):
    """Variance, invariance and covariance regularization.

    The loss (`csl.losses.vicreg_loss`) is of what encoder and projection head give for two views of each image, which
    are not normalised. A hinge keeps each feature's standard deviation above 1, which is what prevents collapse; with
    several processes variances and covariances are those of all of them. It needs its warm-up: at the full rate from
    the first step it can diverge.

    From VICReg: Variance-Invariance-Covariance Regularization, 2021, arXiv 2105.04906.

    Args:
        encoder: The network to be trained and studied.
        hidden_dim: Hidden units of the projection head's two hidden layers.
        output_dim: Length of the projection head's output.
        loss: Called with both views' projections `[B, D]` in place of `VICRegLoss()`, whose three weights can be
            stated there.
        optimization: Optimizer and learning-rate schedule.

    Raises:
        ValueError: If a size is not positive.

    Example:
        >>> from csl.encoders import ConvNet
        >>> VICReg(ConvNet(), output_dim=512).loss.variance_weight
        25.0
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
        from lightly.models.modules.heads import VICRegProjectionHead

        self.projection_head = VICRegProjectionHead(self.encoder.feature_dim, hidden_dim, output_dim)
        self.loss = loss or VICRegLoss()
