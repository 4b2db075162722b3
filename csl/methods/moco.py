"""MoCo: two views of an image attract each other, a queue of earlier images repels."""

from torch import Tensor, nn
from torch.nn.functional import normalize

from csl.checks import check_positive
from csl.distributed import world
from csl.encoders import Network
from csl.losses import InfoNCELoss, in_full_precision, loss_or
from csl.methods.momentum_teacher import MomentumTeacher
from csl.methods.optimization import Optimization
from csl.methods.queued import QueueMethod
from csl.methods.run import rows_of_processes
from csl.methods.step import Keep, Step
from csl.types import Batch

RECIPE = Optimization("sgd", lr=0.3, weight_decay=1e-4)


class MoCo(QueueMethod, MomentumTeacher):
    """Momentum contrast, version 2 with a symmetric loss (v2+).

        loss = (c(q_1, k_2) + c(q_2, k_1)) / 2,      c: `csl.losses.info_nce_loss` against the queue

    Queries q are unit vectors from encoder and projection head, keys k from their momentum copies. Keys of both views,
    and of all processes, enter the queue once, after the optimizer step: no image is its own negative within a step.
    The momentum goes along half a cosine from `momentum` to `final_momentum`.

    From MoCo, 2020, arXiv 1911.05722; v2, 2020, arXiv 2003.04297.

    Args:
        encoder: The network to be trained and studied.
        temperature: T of the loss, which divides similarities.
        queue_size: Number of negatives; 32,768 is usual for CIFAR-10. If not given, 4,096, or half as many as there are
            training images if that is less: images repel their own earlier keys in a longer one.
        momentum: Momentum of the copies at the first step.
        final_momentum: Momentum at the last step.
        hidden_dim: Hidden units of the projection head.
        output_dim: Length of queries and keys.
        loss: c, called with queries `[B, D]`, keys `[B, D]` and negatives `[K, D]`, in place of
            `InfoNCELoss(temperature)`.
        optimization: Optimizer and learning-rate schedule.

    Raises:
        ValueError: If the temperature is not positive, a momentum is outside 0 to 1, or a size is not positive.

    Example:
        >>> from csl.encoders import ConvNet
        >>> MoCo(ConvNet(), queue_size=1024).queue
        FeatureQueue(size=1024, dim=256)
    """

    def __init__(
        self,
        encoder: Network,
        temperature: float = 0.2,
        queue_size: int | None = None,
        momentum: float = 0.99,
        final_momentum: float = 0.999,
        hidden_dim: int = 2048,
        output_dim: int = 256,
        loss: nn.Module | None = None,
        optimization: Optimization = RECIPE,
    ) -> None:
        super().__init__(encoder, optimization)
        check_positive(hidden_dim=hidden_dim, output_dim=output_dim)
        # Imported here: lightly's modules take seconds, and a command need not use this method.
        from lightly.models.modules.heads import MoCoProjectionHead

        self.projection_head = MoCoProjectionHead(self.encoder.feature_dim, hidden_dim, output_dim)
        self.copy_networks(momentum, final_momentum)
        self.make_queue(queue_size, output_dim)
        self.loss = loss_or(loss, InfoNCELoss(temperature), temperature=(temperature, 0.2))

    def training_loss(self, batch: Batch) -> Step:
        """The loss above, for this process's images; keeps the keys of both views."""
        queries = [normalize(self.projection_head(self.encoder(view)), dim=1) for view in batch.views]
        keys = [normalize(key, dim=1) for key in self.targets(batch.views)]
        loss = (self._contrast(queries[0], keys[1]) + self._contrast(queries[1], keys[0])) / 2
        return Step(loss, keep=tuple(keys))

    def after_step(self, keep: Keep) -> None:
        """Move the momentum copies and let the step's keys, of all accumulated batches, into the queue."""
        super().after_step(keep)
        for keys in keep or ():
            self.queue.enqueue(keys, group=world(), counts=rows_of_processes(self.trainer, len(keys)))

    def _contrast(self, queries: Tensor, keys: Tensor) -> Tensor:
        return in_full_precision(self.loss, queries, keys, self.queue.features)
