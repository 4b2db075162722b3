"""SupCon: all views of a class attract each other, those of other classes repel."""

from typing import ClassVar

from torch import Tensor, nn

from csl.checks import check_positive
from csl.encoders import Network
from csl.losses import SupConLoss, in_full_precision, loss_or
from csl.methods.base import Method
from csl.methods.optimization import Optimization
from csl.types import Batch

RECIPE = Optimization("sgd", lr=0.4, weight_decay=1e-5)


class SupCon(Method):
    """Supervised contrast within the batch: labels say which views are alike.

    The loss (`csl.losses.supcon_loss`) is of what encoder and projection head give for two views of each image. A class
    that is alone in the batch, and an image without a label, is still attracted by its own other view. With several
    processes the batch is that of all of them.

    From Supervised Contrastive Learning, 2020, arXiv 2004.11362.

    Args:
        encoder: The network to be trained and studied.
        temperature: T of the loss.
        hidden_dim: Hidden units of the projection head.
        output_dim: Length of the projection head's output.
        loss: Called with both views' projections `[B, D]` and labels `[B]` in place of `SupConLoss(temperature)`.
        optimization: Optimizer and learning-rate schedule.

    Raises:
        ValueError: If the temperature or a size is not positive, or no image has a label.

    Example:
        >>> from csl.encoders import ConvNet
        >>> SupCon(ConvNet(), temperature=0.5).loss.temperature
        0.5
    """

    heads: ClassVar[tuple[str, ...]] = ("encoder", "projection_head")
    accumulates: ClassVar[bool] = False

    def __init__(
        self,
        encoder: Network,
        temperature: float = 0.2,
        hidden_dim: int = 2048,
        output_dim: int = 256,
        loss: nn.Module | None = None,
        optimization: Optimization = RECIPE,
    ) -> None:
        super().__init__(encoder, optimization)
        check_positive(hidden_dim=hidden_dim, output_dim=output_dim)
        # Imported here: lightly's modules take seconds, and a command need not use this method.
        from lightly.models.modules.heads import SimCLRProjectionHead

        self.projection_head = SimCLRProjectionHead(self.encoder.feature_dim, hidden_dim, output_dim)
        own = SupConLoss(temperature)
        self.loss = loss_or(loss, own, temperature=(temperature, 0.2))

    def setup(self, stage: str) -> None:
        """Refuse images of which none has a label, where the data module tells."""
        super().setup(stage)
        labels = getattr(getattr(self.trainer, "datamodule", None), "train_labels", None)
        if stage == "fit" and labels is not None and not (labels >= 0).any():
            raise ValueError("labels: expected some for SupCon, got images without any; --model SimCLR needs none")

    def training_loss(self, batch: Batch) -> Tensor:
        """The loss above, for this process's images against those of all processes."""
        first, second = (self.projection_head(self.encoder(view)) for view in batch.views)
        return in_full_precision(lambda one, other: self.loss(one, other, batch.labels), first, second)
