"""DISSL: distils what an encoder should tell apart into what a linear head on it can."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from csl.checks import check_positive
from csl.encoders import Network
from csl.losses import DISSLLoss, in_full_precision, loss_or
from csl.methods.base import Method
from csl.methods.optimization import Optimization
from csl.modules import mlp
from csl.types import Batch

BOTTLENECK = 512
RECIPE = Optimization("adamw", lr=2e-3, weight_decay=1e-6)


class DISSL(Method):
    """Distillation towards idealised representations.

    Ideally, a linear classifier tells every set of images that augmentations make alike. A projection head assigns each
    view to one of many classes, the same for all views of an image, surely, and all classes equally often; a linear
    head learns to predict the assignments of other views. The loss is `csl.losses.dissl_loss`. There are no negatives,
    no momentum copies and no stopped gradients.

    From Improving Self-Supervised Learning by Characterizing Idealized Representations, 2022, arXiv 2209.06235, which
    has 16,384 classes for ImageNet.

    Args:
        encoder: The network to be trained and studied.
        evenness: λ of the loss: how much the classes shall be used equally.
        certainty: β of the loss: how sure and invariant assignments shall be.
        hidden_dim: Hidden units of the projection head, before its bottleneck of 512 units with a batch norm.
        output_dim: Number of classes, K.
        loss: Called with assignments and predictions `[2, B, K]` in place of `DISSLLoss(evenness, certainty)`.
        optimization: Optimizer and learning-rate schedule.

    Raises:
        ValueError: If a weight is negative, or a size is not positive.

    Example:
        >>> from csl.encoders import ConvNet
        >>> DISSL(ConvNet(), output_dim=512).linear_head
        Linear(in_features=128, out_features=512, bias=True)
    """

    heads: ClassVar[tuple[str, ...]] = ("encoder", "projection_head")
    accumulates: ClassVar[bool] = False

    def __init__(
        self,
        encoder: Network,
        evenness: float = 2.3,
        certainty: float = 0.8,
        hidden_dim: int = 1024,
        output_dim: int = 4096,
        loss: nn.Module | None = None,
        optimization: Optimization = RECIPE,
    ) -> None:
        super().__init__(encoder, optimization)
        check_positive(hidden_dim=hidden_dim, output_dim=output_dim)
        layers = mlp(self.encoder.feature_dim, hidden_dim, BOTTLENECK, normalizes_output=True)
        # No cosines: of some thousand classes, none could be sure.
        self.projection_head = nn.Sequential(layers, nn.Linear(BOTTLENECK, output_dim))
        self.linear_head = nn.Linear(self.encoder.feature_dim, output_dim)
        own = DISSLLoss(evenness=evenness, certainty=certainty)
        self.loss = loss_or(loss, own, evenness=(evenness, 2.3), certainty=(certainty, 0.8))

    def training_loss(self, batch: Batch) -> Tensor:
        """The loss above, for this process's images among those of all processes."""
        features = [self.encoder(view) for view in batch.views]
        assignments, predictions = (
            torch.stack([head(values) for values in features]) for head in (self.projection_head, self.linear_head)
        )
        return in_full_precision(self.loss, assignments, predictions)
