"""W-MSE: two views attract each other after their embeddings are whitened; nothing repels."""

from typing import ClassVar

from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor, nn

from csl.distributed import size, world
from csl.encoders import Network
from csl.losses import WMSELoss, in_full_precision
from csl.methods.base import Method
from csl.methods.optimization import Optimization
from csl.methods.run import global_batch_size
from csl.modules import mlp
from csl.types import Batch

RECIPE = Optimization("adamw", lr=2e-3, weight_decay=1e-6)


class WMSE(Method):
    """Whitening over the batch, in place of negatives.

    The loss is `csl.losses.wmse_loss` of the projections, which whitens parts of the batch of all processes. Whitening
    means something where there are at least twice as many images as numbers: of a longer output only the first N / 2
    numbers are used, N images in the batch, such as 16 of 64 for a batch of 32. The paper draws several partitions of a
    batch of 1,024; here there is one, of a batch in random order.

    From Whitening for Self-Supervised Representation Learning, 2020, arXiv 2007.06346.

    Args:
        encoder: The network to be trained and studied.
        hidden_dim: Hidden units of the projection head.
        output_dim: Length of the projection head's output.
        loss: Called with both views' projections `[B, D]` in place of `WMSELoss()`.
        optimization: Optimizer and learning-rate schedule.

    Raises:
        ValueError: If a size is not positive.

    Example:
        >>> from csl.encoders import ConvNet
        >>> WMSE(ConvNet(), output_dim=32).projection_head[-1].out_features
        32
    """

    heads: ClassVar[tuple[str, ...]] = ("encoder", "projection_head")
    accumulates: ClassVar[bool] = False

    def __init__(
        self,
        encoder: Network,
        hidden_dim: int = 1024,
        output_dim: int = 64,
        loss: nn.Module | None = None,
        optimization: Optimization = RECIPE,
    ) -> None:
        super().__init__(encoder, optimization)
        self.output_dim = output_dim
        self.projection_head = mlp(self.encoder.feature_dim, hidden_dim, output_dim)
        self.loss = loss or WMSELoss()

    def on_train_start(self) -> None:
        """Say how many outputs are whitened."""
        super().on_train_start()
        width, batch = self.output_dim, global_batch_size(self.trainer)
        if _whitened(batch) < width:
            rank_zero_info(
                f"output_dim: {_whitened(batch)} of {width} outputs are whitened, half of a batch of {batch}"
            )

    def training_loss(self, batch: Batch) -> Tensor:
        """The loss above, for the images of all processes."""
        width = _whitened(len(batch.labels) * size(world()))
        first, second = (self.projection_head(self.encoder(view))[:, :width] for view in batch.views)
        return in_full_precision(self.loss, first, second)


def _whitened(images: int) -> int:
    """How many outputs can be whitened over so many images."""
    return max(1, images // 2)
