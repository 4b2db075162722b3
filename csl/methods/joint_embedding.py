"""What methods share whose loss compares the projections of an image's views."""

from typing import ClassVar

from torch import Tensor, nn

from csl.losses import in_full_precision
from csl.methods.base import Method
from csl.types import Batch


class JointEmbedding(Method):
    """Base of methods whose loss is of the projections of all views; a subclass sets `projection_head` and `loss`.

    Such a loss compares the images of a batch, so that gradients cannot be accumulated.
    """

    heads: ClassVar[tuple[str, ...]] = ("encoder", "projection_head")
    accumulates: ClassVar[bool] = False
    projection_head: nn.Module
    loss: nn.Module

    def training_loss(self, batch: Batch) -> Tensor:
        """The loss of this process's images, among those of all processes."""
        return in_full_precision(self.loss, *(self.projection_head(self.encoder(view)) for view in batch.views))
