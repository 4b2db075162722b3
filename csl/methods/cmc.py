"""CMC: what an image's lightness and its colours have in common."""

from typing import ClassVar

from torch import Tensor, nn

from csl.checks import check_positive
from csl.encoders import LabResNet, Network
from csl.losses import CMCLoss, in_full_precision, loss_or
from csl.methods.base import Method
from csl.methods.optimization import Optimization
from csl.types import Batch, View

RECIPE = Optimization("sgd", lr=0.03, weight_decay=1e-4)


class CMC(Method):
    """Contrastive multiview coding of lightness and colour.

    The two networks of a `LabResNet` see the same crop, one its lightness and one its colours, and each has a linear
    head of its own. The loss (`csl.losses.cmc_loss`) finds an image's colours by its lightness and the other way round,
    among those of all images of the batch. Measured are the features of both networks, joined.

    Images without colours, such as those that an augmentation makes grey (`gray_probability`), teach nothing.

    From Contrastive Multiview Coding, 2020, arXiv 1906.05849.

    Args:
        encoder: The networks to be trained and studied, a `LabResNet`, which `csl fit` takes if none is named.
        temperature: T of the loss.
        output_dim: Length of what the heads give.
        loss: Called with both heads' outputs `[B, D]` in place of `CMCLoss(temperature)`.
        optimization: Optimizer and learning-rate schedule.

    Raises:
        ValueError: If the encoder is another one, or one for grey images, or the temperature or the length is not
            positive.

    Example:
        >>> CMC(LabResNet(depth=10, width=4), temperature=0.1).loss.temperature
        0.1
    """

    views: tuple[View, ...] = (View(),)
    accumulates: ClassVar[bool] = False
    usual_encoder: ClassVar[str] = "LabResNet"

    def __init__(
        self,
        encoder: Network,
        temperature: float = 0.07,
        output_dim: int = 128,
        loss: nn.Module | None = None,
        optimization: Optimization = RECIPE,
    ) -> None:
        super().__init__(encoder, optimization)
        check_positive(output_dim=output_dim)
        if not isinstance(self.encoder, LabResNet):
            raise ValueError(f"encoder: expected a LabResNet for CMC, got {type(self.encoder).__name__}")
        if self.encoder.in_channels != 3:
            raise ValueError("encoder: expected one for colour images for CMC (in_channels=3), got one for grey images")
        self.lightness_head, self.color_head = (nn.Linear(length, output_dim) for length in self.encoder.parts)
        self.loss = loss_or(loss, CMCLoss(temperature), temperature=(temperature, 0.07))

    def training_loss(self, batch: Batch) -> Tensor:
        """The loss above, for this process's images against those of all processes."""
        features, of_lightness = self.encoder(batch.views[0]), self.lightness_head.in_features
        lightness, color = features[:, :of_lightness], features[:, of_lightness:]
        return in_full_precision(self.loss, self.lightness_head(lightness), self.color_head(color))
