"""SimSiam: one view predicts the other, with neither negatives nor a momentum copy."""

from itertools import pairwise
from typing import ClassVar

from torch import Tensor, nn

from csl.checks import check_positive
from csl.encoders import Network
from csl.losses import SimSiamLoss, in_full_precision
from csl.methods.base import Method
from csl.methods.groups import Group
from csl.methods.optimization import Optimization
from csl.types import Batch

RECIPE = Optimization("sgd", lr=0.5, weight_decay=1e-5)


class SimSiam(Method):
    """Simple siamese network.

        loss = (l(p_1, z_2) + l(p_2, z_1)) / 2,      l: `csl.losses.simsiam_loss`

    Projections z come from encoder and projection head, predictions p from the prediction head on top. What decides:
    z gets no gradient; the projection head ends in batch norm without affine parameters and has two layers on small
    images, three on large ones; the prediction head is a bottleneck, and its learning rate is constant, without warm-up
    and schedule, as the predictor must keep up with changing projections.

    From Exploring Simple Siamese Representation Learning, 2020, arXiv 2011.10566.

    Args:
        encoder: The network to be trained and studied.
        hidden_dim: Hidden units of the projection head.
        output_dim: Length of z and p.
        prediction_dim: Hidden units of the prediction head, fewer than `output_dim`.
        num_layers: Linear layers of the projection head.
        loss: l, called with predictions and targets `[B, D]`, in place of `SimSiamLoss()`.
        optimization: Optimizer and learning-rate schedule.

    Raises:
        ValueError: If a size is not positive, or the projection head has fewer than two layers.

    Example:
        >>> from csl.encoders import ConvNet
        >>> [group.constant for group in SimSiam(ConvNet()).parameter_groups()]
        [True]
    """

    heads: ClassVar[tuple[str, ...]] = ("encoder", "projection_head")

    def __init__(
        self,
        encoder: Network,
        hidden_dim: int = 2048,
        output_dim: int = 2048,
        prediction_dim: int = 512,
        num_layers: int = 2,
        loss: nn.Module | None = None,
        optimization: Optimization = RECIPE,
    ) -> None:
        super().__init__(encoder, optimization)
        check_positive(hidden_dim=hidden_dim, output_dim=output_dim, prediction_dim=prediction_dim)
        if num_layers < 2:
            raise ValueError(f"num_layers: expected at least 2, got {num_layers}")
        # Imported here: lightly's modules take seconds, and a command need not use this method.
        from lightly.models.modules.heads import ProjectionHead, SimSiamPredictionHead

        sizes = [self.encoder.feature_dim, *[hidden_dim] * (num_layers - 1)]
        hidden = [(a, b, nn.BatchNorm1d(b), nn.ReLU()) for a, b in pairwise(sizes)]
        last = (hidden_dim, output_dim, nn.BatchNorm1d(output_dim, affine=False), None)
        self.projection_head = ProjectionHead([*hidden, last])
        self.prediction_head = SimSiamPredictionHead(output_dim, prediction_dim, output_dim)
        self.loss = loss or SimSiamLoss()

    def training_loss(self, batch: Batch) -> Tensor:
        """The loss above, for this process's images."""
        first, second = (self.projection_head(self.encoder(view)) for view in batch.views)
        return (self._regress(first, second) + self._regress(second, first)) / 2

    def parameter_groups(self) -> list[Group]:
        """The prediction head, at a constant rate."""
        return [Group("prediction_head", self.prediction_head.parameters(), constant=True)]

    def _regress(self, projections: Tensor, targets: Tensor) -> Tensor:
        return in_full_precision(self.loss, self.prediction_head(projections), targets.detach())
