"""NNCLR: an image's nearest neighbour among earlier ones takes the place of its other view."""

from typing import ClassVar

from torch import Tensor, nn
from torch.nn.functional import normalize

from csl.checks import check_positive
from csl.distributed import world
from csl.encoders import Network
from csl.losses import NNCLRLoss, in_full_precision, loss_or
from csl.methods.optimization import Optimization
from csl.methods.queued import QueueMethod
from csl.methods.run import rows_of_processes
from csl.methods.step import Keep, Step
from csl.types import Batch

RECIPE = Optimization("lars", lr=0.4, weight_decay=1e-5)


class NNCLR(QueueMethod):
    """Nearest-neighbour contrastive learning.

        loss = (c(n(z_1), p_2) + c(n(z_2), p_1)) / 2,      c: `csl.losses.nnclr_loss`

    Projections z come from encoder and projection head, predictions p from the prediction head on top; n(z) is the row
    of the support set that is nearest to z by cosine, without gradient. The support set is a queue of unit vectors: the
    first views' projections of all processes enter it once, after the optimizer step.

    From With a Little Help from My Friends: Nearest-Neighbor Contrastive Learning of Visual Representations, 2021,
    arXiv 2104.14548.

    Args:
        encoder: The network to be trained and studied.
        temperature: T of the loss.
        queue_size: Length of the support set. If not given, 4,096, or half as many as there are training images if that
            is less: a longer one finds an image's own earlier views, which is little help.
        hidden_dim: Hidden units of the projection head's two hidden layers.
        output_dim: Length of z and p.
        prediction_dim: Hidden units of the prediction head.
        loss: c, called with neighbours and predictions `[B, D]` in place of `NNCLRLoss(temperature)`.
        optimization: Optimizer and learning-rate schedule.

    Raises:
        ValueError: If the temperature or a size is not positive.

    Example:
        >>> from csl.encoders import ConvNet
        >>> NNCLR(ConvNet(), queue_size=1024).queue
        FeatureQueue(size=1024, dim=256)
    """

    heads: ClassVar[tuple[str, ...]] = ("encoder", "projection_head")
    accumulates: ClassVar[bool] = False

    def __init__(
        self,
        encoder: Network,
        temperature: float = 0.2,
        queue_size: int | None = None,
        hidden_dim: int = 2048,
        output_dim: int = 256,
        prediction_dim: int = 4096,
        loss: nn.Module | None = None,
        optimization: Optimization = RECIPE,
    ) -> None:
        super().__init__(encoder, optimization)
        check_positive(hidden_dim=hidden_dim, output_dim=output_dim, prediction_dim=prediction_dim)
        # Imported here: lightly's modules take seconds, and a command need not use this method.
        from lightly.models.modules.heads import NNCLRPredictionHead, NNCLRProjectionHead

        self.projection_head = NNCLRProjectionHead(self.encoder.feature_dim, hidden_dim, output_dim)
        self.prediction_head = NNCLRPredictionHead(output_dim, prediction_dim, output_dim)
        self.make_queue(queue_size, output_dim)
        own = NNCLRLoss(temperature)
        self.loss = loss_or(loss, own, temperature=(temperature, 0.2))

    def training_loss(self, batch: Batch) -> Step:
        """The loss above, for this process's images against those of all processes; keeps the first projections."""
        projections = [self.projection_head(self.encoder(view)) for view in batch.views]
        first, second = (self.prediction_head(projection) for projection in projections)
        neighbors = [in_full_precision(self.queue.nearest, projection) for projection in projections]
        loss = in_full_precision(self.loss, neighbors[0], second) + in_full_precision(self.loss, neighbors[1], first)
        return Step(loss / 2, keep=normalize(projections[0].detach(), dim=1))

    def after_step(self, keep: Keep) -> None:
        """Let the step's projections into the support set."""
        assert isinstance(keep, Tensor)
        self.queue.enqueue(keep, group=world(), counts=rows_of_processes(self.trainer, len(keep)))
