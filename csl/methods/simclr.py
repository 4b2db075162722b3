"""SimCLR: two views of an image attract each other, all other images of the batch repel."""

from typing import ClassVar

from torch import Tensor

from csl.checks import check_positive, check_temperature
from csl.distributed import world
from csl.encoders import Encoder
from csl.methods.base import Method
from csl.methods.losses import in_full_precision, nt_xent
from csl.methods.optimization import Optimization
from csl.types import Batch

RECIPE = Optimization("lars", lr=0.4, weight_decay=1e-4)


class SimCLR(Method):
    """Contrast within the batch.

        loss = mean_i −log( exp(z_i · z_i' / T) / Σ_{j ≠ i} exp(z_i · z_j / T) )

    over all 2B views i of a batch, where z_i is the unit vector that the projection head gives for a view and z_i'
    that of the same image's other view. With several processes the batch is that of all of them.

    From A Simple Framework for Contrastive Learning of Visual Representations, 2020, arXiv 2002.05709.

    Args:
        encoder: The network to be trained and studied.
        temperature: T.
        hidden_dim: Hidden units of the projection head.
        output_dim: Length of z.
        optimization: Optimizer and learning-rate schedule.

    Raises:
        ValueError: If the temperature is not positive.

    Example:
        >>> from csl.encoders import ConvNet
        >>> SimCLR(ConvNet(), temperature=0.5).optimization.optimizer
        'lars'
    """

    accumulates: ClassVar[bool] = False

    def __init__(
        self,
        encoder: Encoder,
        temperature: float = 0.2,
        hidden_dim: int = 2048,
        output_dim: int = 256,
        optimization: Optimization = RECIPE,
    ) -> None:
        super().__init__(encoder, optimization)
        check_temperature(temperature=temperature)
        check_positive(hidden_dim=hidden_dim, output_dim=output_dim)
        # Imported here: lightly's modules take seconds, and a command need not use this method.
        from lightly.models.modules.heads import SimCLRProjectionHead

        self.temperature = temperature
        self.projection_head = SimCLRProjectionHead(encoder.feature_dim, hidden_dim, output_dim)

    def training_loss(self, batch: Batch) -> Tensor:
        """The loss above, for this process's images against those of all processes."""
        first, second = (self.projection_head(self.encoder(view)) for view in batch.views)
        return in_full_precision(lambda one, other: nt_xent(one, other, self.temperature, world()), first, second)

    def outputs(self, images: Tensor) -> dict[str, Tensor]:
        """The encoder's features and their projection."""
        features = self.encoder(images)
        return {"encoder": features, "projection": self.projection_head(features)}
