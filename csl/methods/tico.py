"""TiCo: views agree, and a moving covariance of all features stays even."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from csl.checks import check_positive, check_share
from csl.distributed import world
from csl.encoders import Network
from csl.losses import TiCoLoss, in_full_precision, loss_or, moved_covariance
from csl.methods.momentum_teacher import MomentumTeacher
from csl.methods.optimization import Optimization
from csl.methods.step import Keep, Step
from csl.types import Batch

RECIPE = Optimization("lars", lr=0.3, weight_decay=1e-4)


class TiCo(MomentumTeacher):
    """Transformation invariance and covariance contrast.

    The loss (`csl.losses.tico_loss`) compares the first view's projections, from encoder and projection head, with what
    momentum copies of both make of the second view. Its covariance is a moving average over batches, the present one
    included, of the images of all processes; it is a buffer, and so in checkpoints. It does for small batches what
    MoCo's queue does, at no cost in memory. The momentum goes along half a cosine from `momentum` to 1.

    From TiCo: Transformation Invariance and Covariance Contrast for Self-Supervised Visual Representation Learning,
    2022, arXiv 2206.10698.

    Args:
        encoder: The network to be trained and studied.
        beta: Share of the old covariance in the new one, after each step.
        rho: ρ of the loss, the weight of the covariance.
        momentum: Momentum of the copies at the first step.
        hidden_dim: Hidden units of the projection head.
        output_dim: Length of projections.
        loss: Called with both views' projections `[B, D]` and the covariance `[D, D]` in place of `TiCoLoss(rho)`.
        optimization: Optimizer and learning-rate schedule.

    Raises:
        ValueError: If beta or the momentum is outside 0 to 1, rho is negative, or a size is not positive.

    Example:
        >>> from csl.encoders import ConvNet
        >>> TiCo(ConvNet(), output_dim=64).covariance.shape
        torch.Size([64, 64])
    """

    accumulates: ClassVar[bool] = False
    covariance: Tensor

    def __init__(
        self,
        encoder: Network,
        beta: float = 0.9,
        rho: float = 8.0,
        momentum: float = 0.99,
        hidden_dim: int = 4096,
        output_dim: int = 256,
        loss: nn.Module | None = None,
        optimization: Optimization = RECIPE,
    ) -> None:
        super().__init__(encoder, optimization)
        check_share(beta=beta)
        check_positive(hidden_dim=hidden_dim, output_dim=output_dim)
        # Imported here: lightly's modules take seconds, and a command need not use this method.
        from lightly.models.modules.heads import TiCoProjectionHead

        self.beta = beta
        self.projection_head = TiCoProjectionHead(self.encoder.feature_dim, hidden_dim, output_dim)
        self.copy_networks(momentum)
        self.register_buffer("covariance", torch.zeros(output_dim, output_dim))
        own = TiCoLoss(rho)
        self.loss = loss_or(loss, own, rho=(rho, 8.0))

    def training_loss(self, batch: Batch) -> Step:
        """The loss above, for this process's images; keeps the covariance, moved on by the batch."""
        first = self.projection_head(self.encoder(batch.views[0]))
        (second,) = self.targets(batch.views[1:])
        covariance = in_full_precision(self._moved, first)
        return Step(in_full_precision(self.loss, first, second, covariance), keep=covariance)

    def after_step(self, keep: Keep) -> None:
        """Move the momentum copies and take over the step's covariance."""
        assert isinstance(keep, Tensor)
        super().after_step(keep)
        self.covariance.copy_(keep)

    def _moved(self, first: Tensor) -> Tensor:
        return moved_covariance(self.covariance, first, self.beta, world())
