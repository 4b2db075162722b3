"""t-SimCNE: a map of images in the plane, learned by contrast."""

from typing import ClassVar

import torch
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor, nn

from csl.checks import check_positive, check_share
from csl.encoders import Network
from csl.losses import TSimCNELoss, in_full_precision
from csl.methods.base import Method
from csl.methods.optimization import Optimization
from csl.methods.run import total_steps
from csl.types import Batch

RECIPE = Optimization("sgd", lr=0.03, weight_decay=5e-4)
CALIBRATION = 1 / 30  # of all steps: the plane alone is trained


class TSimCNE(Method):
    """Contrast by Cauchy similarities, first in many dimensions, then in the plane.

    The loss is `csl.losses.t_simcne_loss`, of the projection head's output at first. After two thirds of the steps
    (`plane_start`) a linear layer to two dimensions takes the place of the last one: for a thirtieth of the steps it
    is trained alone, then with all else. The output "plane" is the map. Trained in the plane from the beginning, the
    network does not find good clusters.

    From Unsupervised visualization of image datasets using contrastive learning, 2022, arXiv 2210.09879: 1,000, 50 and
    450 epochs.

    Args:
        encoder: The network to be trained and studied.
        hidden_dim: Hidden units of the projection head.
        output_dim: Length of the projection head's output before the plane.
        plane_start: Share of the steps after which the plane begins; 1 for never.
        loss: Called with both views' projections `[B, D]` in place of `TSimCNELoss()`.
        optimization: Optimizer and learning-rate schedule.

    Raises:
        ValueError: If a size is not positive, or the share is outside 0 to 1.

    Example:
        >>> from csl.encoders import ConvNet
        >>> TSimCNE(ConvNet(), hidden_dim=64).plane[-1]
        Linear(in_features=64, out_features=2, bias=False)
    """

    heads: ClassVar[tuple[str, ...]] = ("encoder", "projection_head", "plane")
    accumulates: ClassVar[bool] = False
    reached: Tensor

    def __init__(
        self,
        encoder: Network,
        hidden_dim: int = 1024,
        output_dim: int = 128,
        plane_start: float = 2 / 3,
        loss: nn.Module | None = None,
        optimization: Optimization = RECIPE,
    ) -> None:
        super().__init__(encoder, optimization)
        check_positive(hidden_dim=hidden_dim, output_dim=output_dim)
        check_share(plane_start=plane_start)
        self.plane_start = plane_start
        hidden = nn.Sequential(nn.Linear(self.encoder.feature_dim, hidden_dim), nn.ReLU())
        self.projection_head = nn.Sequential(*hidden, nn.Linear(hidden_dim, output_dim, bias=False))
        self.plane = nn.Sequential(*hidden, nn.Linear(hidden_dim, 2, bias=False))  # a shift changes no distance
        self.loss = loss or TSimCNELoss()
        self.register_buffer("reached", torch.tensor(-plane_start))  # the last step's progress, for who measures later

    def training_loss(self, batch: Batch) -> Tensor:
        """The loss above, for this process's images against those of all processes, of the head that is trained."""
        features = [self.encoder(view) for view in batch.views]
        # Both are computed, as several processes wait for the gradients of all parameters.
        wide, plane = (
            in_full_precision(self.loss, *(head(values) for values in features))
            for head in (self.projection_head, self.plane)
        )
        return 0.0 * wide + plane if self._progress() >= 0 else wide + 0.0 * plane

    def after_backward(self) -> None:
        """Let the optimizer leave alone what is not trained now."""
        self.reached.fill_(self._progress())
        last, plane = self.projection_head[-1], self.plane[-1]
        is_idle = {id(parameter) for parameter in (plane if self._progress() < 0 else last).parameters()}
        if 0 <= self._progress() < CALIBRATION:
            is_idle = {id(p) for p in self.parameters()} - {id(p) for p in plane.parameters()}
        for parameter in self.parameters():
            if id(parameter) in is_idle:
                parameter.grad = None

    def _progress(self) -> float:
        """The share of all steps since the plane began; negative before."""
        if self._trainer is None or self.plane_start == 1:
            return -1.0
        if self.trainer.state.fn != TrainerFn.FITTING:
            return float(self.reached)
        return self.global_step / total_steps(self.trainer) - self.plane_start
