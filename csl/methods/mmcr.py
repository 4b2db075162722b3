"""MMCR: each image's views shrink to a point, and the points fill all directions."""

from torch import nn

from csl.checks import check_positive
from csl.encoders import Network
from csl.losses import MMCRLoss, loss_or
from csl.methods.joint_embedding import JointEmbedding
from csl.methods.optimization import Optimization
from csl.types import View

RECIPE = Optimization("adamw", lr=0.001, weight_decay=1e-6)


class MMCR(JointEmbedding):
    """Maximum manifold capacity representations.

    The loss (`csl.losses.mmcr_loss`) is the negative nuclear norm, in float32 or better, of the mean projections of all
    images of all processes; a projection is the unit vector of what encoder and projection head give for a view. The
    cost grows with the number of views, and so does the quality of the mean: the authors train CIFAR-10 with 40 views
    of 32 images.

    From Learning Efficient Coding of Natural Images with Maximum Manifold Capacity Representations, 2023,
    arXiv 2303.03307.

    Args:
        encoder: The network to be trained and studied.
        num_views: Random views of each image.
        local_weight: λ of the loss, the weight of the spread of an image's own views.
        hidden_dim: Hidden units of the projection head.
        output_dim: Length of the projection head's output; more directions than images cannot be filled.
        loss: Called with all views' projections `[B, D]` in place of `MMCRLoss(local_weight)`.
        optimization: Optimizer and learning-rate schedule.

    Raises:
        ValueError: If there are fewer than two views, the weight is negative, or a size is not positive.

    Example:
        >>> from csl.encoders import ConvNet
        >>> MMCR(ConvNet(), num_views=4).views
        (View(count=4, scale=1.0, crop_area=None),)
    """

    def __init__(
        self,
        encoder: Network,
        num_views: int = 2,
        local_weight: float = 0.0,
        hidden_dim: int = 512,
        output_dim: int = 128,
        loss: nn.Module | None = None,
        optimization: Optimization = RECIPE,
    ) -> None:
        super().__init__(encoder, optimization)
        check_positive(hidden_dim=hidden_dim, output_dim=output_dim)
        if num_views < 2:
            raise ValueError(f"num_views: expected at least 2, got {num_views}")
        # Imported here: lightly's modules take seconds, and a command need not use this method.
        from lightly.models.modules.heads import MMCRProjectionHead

        self.views = (View(num_views),)
        self.projection_head = MMCRProjectionHead(self.encoder.feature_dim, hidden_dim, output_dim, num_layers=1)
        own = MMCRLoss(local_weight)
        self.loss = loss_or(loss, own, local_weight=(local_weight, 0.0))
