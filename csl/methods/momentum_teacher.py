"""What methods share whose targets come from slowly moving copies of encoder and projection head."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from csl.checks import check_share
from csl.encoders import Encoder
from csl.methods.base import Method
from csl.methods.run import total_steps
from csl.methods.step import Keep
from csl.modules import momentum_at, momentum_copy, update_momentum


class MomentumTeacher(Method):
    """Base of methods with a momentum encoder; a subclass sets `projection_head`, then calls `copy_networks`.

    The momentum goes along half a cosine, step by step. The copies' batch-norm statistics are their own, see
    `csl.modules.momentum_copy`.
    """

    heads: ClassVar[tuple[str, ...]] = ("encoder", "projection_head", "momentum_encoder")
    projection_head: nn.Module
    momentum_encoder: Encoder
    momentum_projection_head: nn.Module

    def copy_networks(self, momentum: float, final_momentum: float = 1.0) -> None:
        """Make the copies of the encoder and the projection head.

        Args:
            momentum: Momentum of the copies at the first step.
            final_momentum: Momentum at the last step.

        Raises:
            ValueError: If a momentum is outside 0 to 1.
        """
        check_share(momentum=momentum, final_momentum=final_momentum)
        self.momentum_range = (momentum, final_momentum)
        self.momentum_encoder = momentum_copy(self.encoder)
        self.momentum_projection_head = momentum_copy(self.projection_head)

    def targets(self, views: Sequence[Tensor]) -> list[Tensor]:
        """The copies' projections `[B, D]` of each view, without gradient."""
        with torch.no_grad():
            return [self.momentum_projection_head(self.momentum_encoder(view)) for view in views]

    def after_step(self, keep: Keep) -> None:
        """Move the copies."""
        momentum = momentum_at(self.trainer.global_step, total_steps(self.trainer), *self.momentum_range)
        update_momentum(self.momentum_encoder, self.encoder, momentum)
        update_momentum(self.momentum_projection_head, self.projection_head, momentum)
