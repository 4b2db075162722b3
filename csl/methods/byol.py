"""BYOL: one view predicts what a slowly moving copy of the network makes of the other; nothing repels."""

from collections.abc import Callable

from torch import Tensor

from csl.checks import check_positive, check_share
from csl.encoders import Encoder
from csl.methods.base import Method
from csl.methods.losses import in_full_precision
from csl.methods.optimization import Optimization
from csl.methods.run import total_steps
from csl.modules import MomentumCopy, momentum_at
from csl.types import Batch

RECIPE = Optimization("lars", lr=1.0, weight_decay=1e-5)


class BYOL(Method):
    """Bootstrap your own latent.

        loss = l(p_1, t_2) + l(p_2, t_1),      l(p, t) = mean over the batch of 2 − 2 cos(p, t), from 0 to 4

    Predictions p come from encoder, projection head and prediction head, targets t from momentum copies of encoder and
    projection head, without gradient. The momentum goes along half a cosine from `momentum` to 1, step by step. The
    copies' batch-norm statistics are their own, see `csl.modules.MomentumCopy`.

    From Bootstrap Your Own Latent, 2020, arXiv 2006.07733.

    Args:
        encoder: The network to be trained and studied.
        momentum: Momentum of the copies at the first step.
        hidden_dim: Hidden units of both heads.
        output_dim: Length of p and t.
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
        encoder: Encoder,
        momentum: float = 0.99,
        hidden_dim: int = 4096,
        output_dim: int = 256,
        optimization: Optimization = RECIPE,
    ) -> None:
        super().__init__(encoder, optimization)
        check_share(momentum=momentum)
        check_positive(hidden_dim=hidden_dim, output_dim=output_dim)
        # Imported here: lightly's modules take seconds, and a command need not use this method.
        from lightly.loss.negative_cosine_similarity import NegativeCosineSimilarity
        from lightly.models.modules.heads import BYOLPredictionHead, BYOLProjectionHead

        self.momentum = momentum
        self.projection_head = BYOLProjectionHead(encoder.feature_dim, hidden_dim, output_dim)
        self.prediction_head = BYOLPredictionHead(output_dim, hidden_dim, output_dim)
        self.momentum_copy = MomentumCopy(encoder, self.projection_head)
        self.negative_cosine = NegativeCosineSimilarity()

    def training_loss(self, batch: Batch) -> Tensor:
        """The loss above, for this process's images."""
        first, second = (self.prediction_head(self.projection_head(self.encoder(view))) for view in batch.views)
        first_target, second_target = (self.momentum_copy(view) for view in batch.views)
        return self._distance(first, second_target) + self._distance(second, first_target)

    def after_step(self) -> None:
        """Move the momentum copies."""
        momentum = momentum_at(self.trainer.global_step, total_steps(self.trainer), self.momentum)
        self.momentum_copy.update(self.encoder, self.projection_head, momentum=momentum)

    def outputs(self, images: Tensor) -> dict[str, Tensor]:
        """The encoder's features and their projection."""
        features = self.encoder(images)
        return {"encoder": features, "projection": self.projection_head(features)}

    def costly_outputs(self) -> dict[str, Callable[[Tensor], Tensor]]:
        """The momentum encoder's features."""
        return {"momentum_encoder": self.momentum_copy.copies[0]}

    def _distance(self, prediction: Tensor, target: Tensor) -> Tensor:
        return 2 + 2 * in_full_precision(self.negative_cosine, prediction, target)
