"""SimDINO: DINO without centring, temperatures and prototypes; the coding rate of a batch keeps embeddings apart."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from csl.checks import check_positive
from csl.encoders import Network
from csl.losses import SimDINOLoss, in_full_precision, loss_or
from csl.methods.momentum_teacher import MomentumTeacher
from csl.methods.optimization import Optimization
from csl.methods.small_crops import full_views_and
from csl.modules import mlp
from csl.types import Batch

RECIPE = Optimization("adamw", lr=5e-4, weight_decay=0.04, final_weight_decay=0.4)


class SimDINO(MomentumTeacher):
    """Self-distillation with a coding rate.

    The loss is `csl.losses.simdino_loss`, whose covariance is that of all processes. The teacher, a momentum copy,
    sees two full views, the student these and the small crops, if there are any. The momentum goes along half a cosine
    to 1, and the weight decay rises to `final_weight_decay`. Nothing needs a temperature, a center, or a frozen layer.

    The paper's small crops are there for the asking, `small_crops=4`: of images of 8 pixels they tell too little to be
    predicted from.

    From Simplifying DINO via Coding Rate Regularization, 2025, arXiv 2502.10385.

    Args:
        encoder: The network to be trained and studied.
        rate_weight: w of the coding rate in the loss.
        momentum: Momentum of the teacher at the first step.
        hidden_dim: Hidden units of the projection head's two hidden layers.
        output_dim: Length of the projection head's output.
        small_crops: Number of small crops beside the two full views.
        loss: Called with students `[V, B, D]` and teachers `[2, B, D]`, in place of `SimDINOLoss(rate_weight)`.
        optimization: Optimizer and learning-rate schedule.

    Raises:
        ValueError: If the weight or a number is negative, the momentum is outside 0 to 1, or a size is not positive.

    Example:
        >>> from csl.encoders import ConvNet
        >>> SimDINO(ConvNet(), rate_weight=0.5).loss.rate_weight
        0.5
    """

    accumulates: ClassVar[bool] = False

    def __init__(
        self,
        encoder: Network,
        rate_weight: float = 1.0,
        momentum: float = 0.99,
        hidden_dim: int = 2048,
        output_dim: int = 256,
        small_crops: int = 0,
        loss: nn.Module | None = None,
        optimization: Optimization = RECIPE,
    ) -> None:
        super().__init__(encoder, optimization)
        check_positive(hidden_dim=hidden_dim, output_dim=output_dim)
        self.views = full_views_and(small_crops)
        self.projection_head = mlp(self.encoder.feature_dim, hidden_dim, hidden_dim, output_dim)
        self.copy_networks(momentum)
        self.loss = loss_or(loss, SimDINOLoss(rate_weight), rate_weight=(rate_weight, 1.0))

    def training_loss(self, batch: Batch) -> Tensor:
        """The loss above, for this process's images among those of all processes."""
        students = torch.stack([self.projection_head(self.encoder(view)) for view in batch.views])
        teachers = torch.stack(self.targets(batch.views[:2]))
        return in_full_precision(self.loss, students, teachers)
