"""EMP-SSL: many small patches of an image become like their mean, so that a few epochs are enough."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from csl.checks import check_positive
from csl.encoders import Network
from csl.losses import EMPSSLLoss, in_full_precision, loss_or
from csl.methods.base import Method
from csl.methods.optimization import Optimization
from csl.modules import mlp
from csl.types import Batch, View

RECIPE = Optimization("lars", lr=0.3, weight_decay=1e-4, warmup_epochs=1)


class EMPSSL(Method):
    """Extreme multi-patch learning: each image is a bag of patches that cover a quarter of its area each.

    The loss is `csl.losses.empssl_loss` of the projections, with the coding rate of the images of all processes. A step
    costs as much as one of a two-view method with `num_patches` / 2 times the batch, and an epoch is worth
    as many: 10 to 30 epochs are usual. The paper describes an image by the mean over its patches; here it is described
    as by any method, by the features of the whole image. Of images of 8 pixels a quarter tells too little of the whole:
    patches of all sizes are better there, `patch_area=(0.25, 1.0)`.

    From EMP-SSL: Towards Self-Supervised Learning in One Training Epoch, 2023, arXiv 2304.03977.

    Args:
        encoder: The network to be trained and studied.
        num_patches: Patches of an image, V; at least 2.
        patch_area: The least and the largest share of the image that a patch covers.
        invariance_weight: λ of the loss.
        hidden_dim: Hidden units of the projection head.
        output_dim: Length of the projection head's output.
        loss: Called with projections `[V, B, D]` in place of `EMPSSLLoss(invariance_weight)`.
        optimization: Optimizer and learning-rate schedule.

    Raises:
        ValueError: If there are fewer than 2 patches, their area is no range of shares, the weight is negative, or a
            size is not positive.

    Example:
        >>> from csl.encoders import ConvNet
        >>> EMPSSL(ConvNet(), num_patches=50).views[0].count
        50
    """

    heads: ClassVar[tuple[str, ...]] = ("encoder", "projection_head")
    accumulates: ClassVar[bool] = False

    def __init__(
        self,
        encoder: Network,
        num_patches: int = 20,
        patch_area: tuple[float, float] = (0.25, 0.25),
        invariance_weight: float = 200.0,
        hidden_dim: int = 4096,
        output_dim: int = 512,
        loss: nn.Module | None = None,
        optimization: Optimization = RECIPE,
    ) -> None:
        super().__init__(encoder, optimization)
        if num_patches < 2:
            raise ValueError(f"num_patches: expected at least 2, got {num_patches}")
        if not 0.0 < patch_area[0] <= patch_area[1] <= 1.0:
            raise ValueError(f"patch_area: expected two shares above 0, ascending, to 1, got {tuple(patch_area)}")
        check_positive(hidden_dim=hidden_dim, output_dim=output_dim)
        self.views = (View(num_patches, crop_area=patch_area),)
        self.projection_head = mlp(self.encoder.feature_dim, hidden_dim, output_dim)
        self.loss = loss_or(loss, EMPSSLLoss(invariance_weight), invariance_weight=(invariance_weight, 200.0))

    def training_loss(self, batch: Batch) -> Tensor:
        """The loss above, for this process's images among those of all processes."""
        projections = torch.stack([self.projection_head(self.encoder(view)) for view in batch.views])
        return in_full_precision(self.loss, projections)
