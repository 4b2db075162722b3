"""LeJEPA: views agree, and embeddings are normally distributed; no teacher, no negatives, no stop-gradient."""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from csl.checks import check_positive
from csl.encoders import Network
from csl.losses import LeJEPALoss, in_full_precision, loss_or
from csl.methods.base import Method
from csl.methods.optimization import Optimization
from csl.methods.run import run_seed
from csl.methods.small_crops import full_views_and
from csl.modules import mlp
from csl.randomness import derive_generator
from csl.types import Batch

RECIPE = Optimization("adamw", lr=2e-3, weight_decay=0.05)


class LeJEPA(Method):
    """Latent-space prediction with sketched isotropic Gaussian regularisation, on four views of an image.

    All views of an image predict the mean of its full ones. There are full views alone, as in the paper for
    convolutional networks; its transformers see two of them, and six or eight small crops (`small_crops`).

    The loss is `csl.losses.lejepa_loss` of the projections, whose one parameter is the regularisation's weight. Its
    random directions are drawn anew for every step, the same ones on every process, and its sums are those of all
    processes.

    From LeJEPA: Provable and Scalable Self-Supervised Learning Without the Heuristics, 2025, arXiv 2511.08544.

    Args:
        encoder: The network to be trained and studied.
        weight: λ of the loss, the share of the regularisation; the paper finds 0.01 to 0.1 good.
        full_views: Number of full views.
        small_crops: Number of small crops beside them.
        num_directions: Random directions of a step, along which the distribution is compared.
        hidden_dim: Hidden units of the projection head's two hidden layers.
        output_dim: Length of the projection head's output.
        loss: Called with projections of all views `[V, B, D]` and directions `[D, M]`, in place of
            `LeJEPALoss(weight, full_views)`.
        optimization: Optimizer and learning-rate schedule.

    Raises:
        ValueError: If the weight is outside 0 to 1, a size is not positive, a number is negative, or the loss is of
            another number of full views.

    Example:
        >>> from csl.encoders import ConvNet
        >>> LeJEPA(ConvNet(), weight=0.02).loss.weight
        0.02
    """

    heads: ClassVar[tuple[str, ...]] = ("encoder", "projection_head")
    accumulates: ClassVar[bool] = False

    def __init__(
        self,
        encoder: Network,
        weight: float = 0.05,
        full_views: int = 4,
        small_crops: int = 0,
        num_directions: int = 256,
        hidden_dim: int = 2048,
        output_dim: int = 64,
        loss: nn.Module | None = None,
        optimization: Optimization = RECIPE,
    ) -> None:
        super().__init__(encoder, optimization)
        check_positive(num_directions=num_directions)
        self.views = full_views_and(small_crops, full_views)
        if isinstance(loss, LeJEPALoss) and loss.full_views != full_views:
            raise ValueError(f"loss: expected one of {full_views} full views, as the method has, got {loss.full_views}")
        self.directions = (output_dim, num_directions)
        self.projection_head = mlp(self.encoder.feature_dim, hidden_dim, hidden_dim, output_dim)
        self.loss = loss_or(loss, LeJEPALoss(weight, full_views), weight=(weight, 0.05))

    def training_loss(self, batch: Batch) -> Tensor:
        """The loss above, for this process's images among those of all processes."""
        projections = torch.stack([self.projection_head(self.encoder(view)) for view in batch.views])
        return in_full_precision(self.loss, projections, self._directions(projections))

    def _directions(self, like: Tensor) -> Tensor:
        """This step's unit vectors `[D, M]`, which do not depend on the process."""
        generator = derive_generator("directions", run_seed(), self.global_step)
        drawn = torch.randn(self.directions, generator=generator)
        dtype = torch.promote_types(like.dtype, torch.float32)
        return normalize(drawn, dim=0).to(like.device, dtype, non_blocking=True)
