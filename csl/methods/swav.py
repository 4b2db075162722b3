"""SwAV: each view predicts to which prototype another view of the image is assigned; nothing is compared in pairs."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from csl.checks import check_positive, check_range
from csl.distributed import size, world
from csl.encoders import Network
from csl.losses import SwAVLoss, in_full_precision, loss_or
from csl.methods.base import Method
from csl.methods.optimization import Optimization
from csl.methods.run import rows_of_processes, say_frozen
from csl.methods.small_crops import full_views_and
from csl.methods.step import Keep, Step
from csl.modules import FeatureQueue, mlp
from csl.types import Batch

RECIPE = Optimization("lars", lr=0.6, weight_decay=1e-6)


class SwAV(Method):
    """Swapped assignments between views.

    The loss is `csl.losses.swav_loss` of the cosines between projections and prototypes. Prototypes are scaled to
    length 1 after every step and frozen for the first steps. Assignments are balanced over the batch of all processes
    and over a queue of earlier projections of either full view, once it is full and the prototypes are not frozen any
    more; both are in checkpoints.

    Assignments become uniform (a loss that stays at log K) where T / ε is too small for how well one view can be
    predicted from another: make ε smaller then, or the queue shorter. What suits sets of some ten thousand small images
    is chosen here: an ε of 0.02 and not 0.05, 64 prototypes and not 3,000, a queue of 1,024 of each view, and two full
    views. The paper's small crops are there for the asking, `small_crops=4`: of images of 8 pixels they tell too little
    to be predicted from.

    From Unsupervised Learning of Visual Features by Contrasting Cluster Assignments, 2020, arXiv 2006.09882.

    Args:
        encoder: The network to be trained and studied.
        temperature: T of the loss.
        epsilon: ε of the assignment; smaller is sharper.
        hidden_dim: Hidden units of the projection head.
        output_dim: Length of projections and prototypes.
        num_prototypes: Number of prototypes, K.
        queue_size: Number of earlier projections, of each full view.
        frozen_steps: How long the prototypes stay as they were made (steps).
        small_crops: Number of small crops beside the two full views.
        loss: Called with cosines `[V, B, K]` of all views, and those of the queues `[2, Q, K]`, in place of
            `SwAVLoss(temperature, epsilon)`.
        optimization: Optimizer and learning-rate schedule.

    Raises:
        ValueError: If a temperature or a size is not positive, or a number is negative.

    Example:
        >>> from csl.encoders import ConvNet
        >>> SwAV(ConvNet(), num_prototypes=32).prototypes
        Linear(in_features=128, out_features=32, bias=False)
    """

    heads: ClassVar[tuple[str, ...]] = ("encoder", "projection_head")
    accumulates: ClassVar[bool] = False

    def __init__(
        self,
        encoder: Network,
        temperature: float = 0.1,
        epsilon: float = 0.02,
        hidden_dim: int = 2048,
        output_dim: int = 128,
        num_prototypes: int = 64,
        queue_size: int = 1024,
        frozen_steps: int = 100,
        small_crops: int = 0,
        loss: nn.Module | None = None,
        optimization: Optimization = RECIPE,
    ) -> None:
        super().__init__(encoder, optimization)
        check_positive(num_prototypes=num_prototypes, queue_size=queue_size)
        check_range("frozen_steps", frozen_steps)
        self.views, self.frozen_steps = full_views_and(small_crops), frozen_steps
        self.projection_head = mlp(self.encoder.feature_dim, hidden_dim, output_dim)
        self.prototypes = nn.Linear(output_dim, num_prototypes, bias=False)
        self.queue, self.second_queue = (FeatureQueue(queue_size, output_dim) for _ in range(2))
        own = SwAVLoss(temperature, epsilon)
        self.loss = loss_or(loss, own, temperature=(temperature, 0.1), epsilon=(epsilon, 0.02))
        self._shorten()

    def on_train_start(self) -> None:
        """Say so if the training ends before the prototypes are trained."""
        super().on_train_start()
        say_frozen(self.trainer, "frozen_steps", "the prototypes", self.frozen_steps)

    def training_loss(self, batch: Batch) -> Step:
        """The loss above; keeps the projections of the full views."""
        outputs = torch.stack([self.projection_head(self.encoder(view)) for view in batch.views])
        weight, queued = self.prototypes.weight, self._queued(len(batch.labels))

        def loss(outputs: Tensor, weight: Tensor) -> Tensor:
            value: Tensor = self.loss(normalize(outputs, dim=2) @ weight.T, queued @ weight.detach().T)
            return value

        kept = normalize(outputs[:2].detach().float(), dim=2)
        return Step(in_full_precision(loss, outputs, weight), keep=(kept[0], kept[1]))

    def after_backward(self) -> None:
        """Leave the prototypes alone in the first steps."""
        if self.global_step < self.frozen_steps:
            self.prototypes.weight.grad = None

    def after_step(self, keep: Keep) -> None:
        """Scale the prototypes to length 1; let the step's projections into the queues."""
        self._shorten()
        for queue, projections in zip((self.queue, self.second_queue), keep or (), strict=True):
            queue.enqueue(projections, group=world(), counts=rows_of_processes(self.trainer, len(projections)))

    def _queued(self, count: int) -> Tensor:
        """The queues' rows `[2, Q, D]`; none as long as they are not to be used."""
        features = torch.stack([queue.features for queue in (self.queue, self.second_queue)])
        is_full = self.global_step * count * size(world()) >= features.shape[1]
        return features if self.global_step >= self.frozen_steps and is_full else features[:, :0]

    @torch.no_grad()
    def _shorten(self) -> None:
        self.prototypes.weight.copy_(normalize(self.prototypes.weight, dim=1))
