"""MoCo v3: momentum contrast within the batch, with a prediction head and without a queue; made for transformers."""

from typing import ClassVar

from torch import Tensor, nn

from csl.checks import check_positive
from csl.encoders import Encoder, Network
from csl.losses import MoCoV3Loss, in_full_precision, loss_or
from csl.methods.momentum_teacher import MomentumTeacher
from csl.methods.optimization import Optimization
from csl.modules import mlp
from csl.types import Batch

RECIPE = Optimization("lars", lr=0.3, weight_decay=1e-6)
# What csl's and torchvision's, and timm's vision transformers call it.
PATCH_PROJECTIONS = ("conv_proj", "patch_embed")


class MoCoV3(MomentumTeacher):
    """Momentum contrast, version 3.

        loss = c(q_1, k_2) + c(q_2, k_1),      c: `csl.losses.moco_v3_loss`

    Queries q come from encoder, projection head and prediction head, keys k from momentum copies of encoder and
    projection head; negatives are the keys of the batch, over all processes. The momentum goes along half a cosine
    from `momentum` to 1. Every layer of the heads has batch norm, for the last ones without scale and shift.

    The patch projection of a vision transformer stays as it was made: trained, it makes training unstable. For
    transformers the projection head has a layer more, and AdamW suits better than LARS
    (`--model.optimization.optimizer adamw --model.optimization.lr 1.5e-4 --model.optimization.weight_decay 0.1`).

    From An Empirical Study of Training Self-Supervised Vision Transformers, 2021, arXiv 2104.02057.

    Args:
        encoder: The network to be trained and studied.
        temperature: T of the loss.
        momentum: Momentum of the copies at the first step.
        hidden_dim: Hidden units of both heads.
        output_dim: Length of q and k.
        loss: c, called with queries and keys `[B, D]`, in place of `MoCoV3Loss(temperature)`.
        optimization: Optimizer and learning-rate schedule.

    Raises:
        ValueError: If the temperature or a size is not positive, or the momentum is outside 0 to 1.

    Example:
        >>> from csl.encoders import ViT
        >>> MoCoV3(ViT(depth=1)).encoder.conv_proj.weight.requires_grad
        False
    """

    accumulates: ClassVar[bool] = False

    def __init__(
        self,
        encoder: Network,
        temperature: float = 0.2,
        momentum: float = 0.99,
        hidden_dim: int = 4096,
        output_dim: int = 256,
        loss: nn.Module | None = None,
        optimization: Optimization = RECIPE,
    ) -> None:
        super().__init__(encoder, optimization)
        check_positive(hidden_dim=hidden_dim, output_dim=output_dim)
        patches = _patch_projection(self.encoder)
        hidden = [hidden_dim] * (1 if patches is None else 2)
        self.projection_head = mlp(self.encoder.feature_dim, *hidden, output_dim, normalizes_output=True)
        self.prediction_head = mlp(output_dim, hidden_dim, output_dim, normalizes_output=True)
        if patches is not None:
            patches.requires_grad_(False)
        self.copy_networks(momentum)
        self.loss = loss_or(loss, MoCoV3Loss(temperature), temperature=(temperature, 0.2))

    def training_loss(self, batch: Batch) -> Tensor:
        """The loss above, for this process's images against those of all processes."""
        first, second = (self.prediction_head(self.projection_head(self.encoder(view))) for view in batch.views)
        keys = self.targets(batch.views)
        return in_full_precision(self.loss, first, keys[1]) + in_full_precision(self.loss, second, keys[0])


def _patch_projection(encoder: Encoder) -> nn.Module | None:
    """The layer that embeds the patches, where the network has one."""
    found = [part for name, part in encoder.named_modules() if name.rpartition(".")[2] in PATCH_PROJECTIONS]
    return found[0] if found else None
