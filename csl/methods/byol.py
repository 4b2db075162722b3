"""BYOL: one view predicts what a slowly moving copy of the network makes of the other; nothing repels."""

from torch import Tensor, nn

from csl.checks import check_positive
from csl.encoders import Network
from csl.losses import BYOLLoss, in_full_precision
from csl.methods.momentum_teacher import MomentumTeacher
from csl.methods.optimization import Optimization
from csl.types import Batch

RECIPE = Optimization("lars", lr=1.0, weight_decay=1e-5)


class BYOL(MomentumTeacher):
    """Bootstrap your own latent.

        loss = l(p_1, t_2) + l(p_2, t_1),      l: `csl.losses.byol_loss`

    Predictions p come from encoder, projection head and prediction head, targets t from momentum copies of encoder and
    projection head, without gradient. The momentum goes along half a cosine from `momentum` to 1, step by step. The
    copies' batch-norm statistics are their own, see `csl.modules.momentum_copy`.

    From Bootstrap Your Own Latent, 2020, arXiv 2006.07733.

    Args:
        encoder: The network to be trained and studied.
        momentum: Momentum of the copies at the first step.
        hidden_dim: Hidden units of both heads.
        output_dim: Length of p and t.
        loss: l, called with predictions and targets `[B, D]`, in place of `BYOLLoss()`.
        optimization: Optimizer and learning-rate schedule.

    Raises:
        ValueError: If the momentum is outside 0 to 1.

    Example:
        >>> from csl.encoders import ConvNet
        >>> BYOL(ConvNet(), momentum=0.996).optimization.lr
        1.0
    """

    def __init__(
        self,
        encoder: Network,
        momentum: float = 0.99,
        hidden_dim: int = 4096,
        output_dim: int = 256,
        loss: nn.Module | None = None,
        optimization: Optimization = RECIPE,
    ) -> None:
        super().__init__(encoder, optimization)
        check_positive(hidden_dim=hidden_dim, output_dim=output_dim)
        # Imported here: lightly's modules take seconds, and a command need not use this method.
        from lightly.models.modules.heads import BYOLPredictionHead, BYOLProjectionHead

        self.projection_head = BYOLProjectionHead(self.encoder.feature_dim, hidden_dim, output_dim)
        self.prediction_head = BYOLPredictionHead(output_dim, hidden_dim, output_dim)
        self.copy_networks(momentum)
        self.loss = loss or BYOLLoss()

    def training_loss(self, batch: Batch) -> Tensor:
        """The loss above, for this process's images."""
        first, second = (self.prediction_head(self.projection_head(self.encoder(view))) for view in batch.views)
        targets = self.targets(batch.views)
        return in_full_precision(self.loss, first, targets[1]) + in_full_precision(self.loss, second, targets[0])
