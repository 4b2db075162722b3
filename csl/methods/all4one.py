"""All4One: contrast with an image's neighbours, with what attention makes of several of them, and of features."""

import math
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from csl.checks import check_positive
from csl.distributed import world
from csl.encoders import Network
from csl.losses import All4OneLoss, in_full_precision, loss_or
from csl.methods.groups import Group
from csl.methods.momentum_teacher import MomentumTeacher
from csl.methods.optimization import Optimization
from csl.methods.queued import QueueMethod
from csl.methods.run import rows_of_processes
from csl.methods.step import Keep, Step
from csl.modules import mlp
from csl.types import Batch

RECIPE = Optimization("lars", lr=1.0, weight_decay=1e-5)
ATTENTION_HEADS = 8


class All4One(QueueMethod, MomentumTeacher):
    """Symbiotic neighbour contrast, by self-attention and redundancy reduction.

    The loss is `csl.losses.all4one_loss`. Targets come from momentum copies of encoder and projection head; a target's
    `num_neighbors` nearest neighbours are looked up in a queue of earlier targets. Centroids are the first output of a
    small transformer over the neighbours, and over a second prediction followed by all neighbours but the last one.
    The transformer learns at a tenth of the rate and, unlike the authors', has no dropout, so that several processes
    compute what one does. First views' targets of all processes enter the queue once a step. The momentum goes along
    half a cosine from `momentum` to 1.

    From All4One: Symbiotic Neighbour Contrastive Learning via Self-Attention and Redundancy Reduction, 2023,
    arXiv 2303.09417.

    Args:
        encoder: The network to be trained and studied.
        temperature: T of the loss.
        queue_size: Number of earlier targets; 98,304 is the paper's. If not given, 1,024, or half as many as there are
            training images if that is less: a longer one finds an image's own earlier views, which is little help.
        num_neighbors: Neighbours of a target.
        momentum: Momentum of the copies at the first step.
        hidden_dim: Hidden units of the three heads.
        output_dim: Length of projections and predictions; a multiple of 8, the number of attention heads.
        loss: Called as `All4OneLoss` in place of `All4OneLoss(temperature)`.
        optimization: Optimizer and learning-rate schedule.

    Raises:
        ValueError: If the temperature or a size is not positive, the momentum is outside 0 to 1, the queue is shorter
            than the number of neighbours, or 8 does not divide the output's length.

    Example:
        >>> from csl.encoders import ConvNet
        >>> All4One(ConvNet(), queue_size=512).queue
        FeatureQueue(size=512, dim=256)
    """

    accumulates: ClassVar[bool] = False
    usual_queue_size: ClassVar[int] = 1024
    positions: Tensor

    def __init__(
        self,
        encoder: Network,
        temperature: float = 0.2,
        queue_size: int | None = None,
        num_neighbors: int = 5,
        momentum: float = 0.99,
        hidden_dim: int = 2048,
        output_dim: int = 256,
        loss: nn.Module | None = None,
        optimization: Optimization = RECIPE,
    ) -> None:
        super().__init__(encoder, optimization)
        check_positive(num_neighbors=num_neighbors, hidden_dim=hidden_dim, output_dim=output_dim)
        if queue_size is not None and queue_size < num_neighbors:
            raise ValueError(f"queue_size: expected at least num_neighbors={num_neighbors}, got {queue_size}")
        if output_dim % ATTENTION_HEADS:
            raise ValueError(f"output_dim: expected a multiple of {ATTENTION_HEADS}, got {output_dim}")
        self.num_neighbors = num_neighbors
        self.projection_head = mlp(self.encoder.feature_dim, hidden_dim, hidden_dim, output_dim, normalizes_output=True)
        self.prediction_head = mlp(output_dim, hidden_dim, output_dim)
        self.shifted_prediction_head = mlp(output_dim, hidden_dim, output_dim)
        layer = nn.TransformerEncoderLayer(output_dim, ATTENTION_HEADS, 2 * output_dim, dropout=0.0, batch_first=True)
        self.attention = nn.TransformerEncoder(layer, num_layers=3, enable_nested_tensor=False)
        self.copy_networks(momentum)
        self.register_buffer("positions", _sinusoids(num_neighbors, output_dim), persistent=False)
        self.make_queue(queue_size, output_dim, at_least=num_neighbors)
        self.loss = loss_or(loss, All4OneLoss(temperature), temperature=(temperature, 0.2))

    def training_loss(self, batch: Batch) -> Step:
        """The loss above, for this process's images against those of all processes; keeps the first views' targets."""
        projections = [self.projection_head(self.encoder(view)) for view in batch.views]
        with torch.no_grad():
            targets = [normalize(target, dim=1) for target in self.targets(batch.views)]
            neighbors = [in_full_precision(self._neighbors, target) for target in targets]
        shifted = [self._shifted(z, near) for z, near in zip(projections, neighbors, strict=True)]
        parts = (
            [near[:, 0] for near in neighbors],
            [self.prediction_head(z) for z in projections],
            [self._centroid(near) for near in neighbors],
            shifted,
            projections,
            targets,
        )
        return Step(in_full_precision(self.loss, *map(torch.stack, parts)), keep=targets[0])

    def parameter_groups(self) -> list[Group]:
        """The transformer has a rate of its own."""
        return [Group("attention", self.attention.parameters(), rate=0.1)]

    def after_step(self, keep: Keep) -> None:
        """Move the momentum copies and let the step's targets into the queue."""
        super().after_step(keep)
        assert isinstance(keep, Tensor)
        self.queue.enqueue(keep, group=world(), counts=rows_of_processes(self.trainer, len(keep)))

    def _neighbors(self, targets: Tensor) -> Tensor:
        """The nearest rows of the queue `[B, K, D]`, the nearest one first."""
        features = self.queue.features.to(targets.dtype)
        return features[(targets @ features.T).topk(self.num_neighbors, dim=1).indices]

    def _shifted(self, projections: Tensor, neighbors: Tensor) -> Tensor:
        predicted = self.shifted_prediction_head(projections)[:, None]
        return self._centroid(torch.cat([predicted.to(neighbors.dtype), neighbors[:, :-1]], dim=1))

    def _centroid(self, sequence: Tensor) -> Tensor:
        attended: Tensor = self.attention(sequence + self.positions)
        return attended[:, 0]


def _sinusoids(count: int, dim: int) -> Tensor:
    """Codes of positions `[count, dim]` as in Attention Is All You Need, 2017, arXiv 1706.03762."""
    rates = torch.exp(-math.log(10000.0) * torch.arange(0, dim, 2) / dim)
    angles = torch.arange(count)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)
