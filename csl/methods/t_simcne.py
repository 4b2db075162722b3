"""t-SimCNE: a map of images in the plane, learned by contrast."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from csl.checks import check_positive, check_range, check_share
from csl.encoders import Network
from csl.losses import TSimCNELoss, in_full_precision
from csl.methods.base import Method
from csl.methods.optimization import Optimization
from csl.methods.run import total_steps
from csl.methods.stages import Stage, stage_at
from csl.types import Batch

RECIPE = Optimization("sgd", lr=0.03, weight_decay=5e-4)
CALIBRATION = 1 / 30  # of all steps
WIDE, CALIBRATING, FINETUNING = range(3)  # in many dimensions, the plane alone, all in the plane


class TSimCNE(Method):
    """Contrast by Cauchy similarities, first in many dimensions, then in the plane.

    The loss is `csl.losses.t_simcne_loss`, of the projection head's output at first. After two thirds of the steps
    (`plane_start`) a linear layer to two dimensions takes the place of the last one: for a thirtieth of the steps it
    is trained alone, then with all else. Each of the three stages has a learning-rate schedule of its own, the last a
    thousandth of the rate (`finetuning_rate`), and no warm-up precedes the plane. The output "plane" is the map.
    Trained in the plane from the beginning, the network does not find good clusters.

    From Unsupervised visualization of image datasets using contrastive learning, 2022, arXiv 2210.09879: 1,000, 50 and
    450 epochs.

    Args:
        encoder: The network to be trained and studied.
        hidden_dim: Hidden units of the projection head.
        output_dim: Length of the projection head's output before the plane.
        plane_start: Share of the steps after which the plane begins; 1 for never.
        finetuning_rate: Factor of the learning rate in the last stage.
        loss: Called with both views' projections `[B, D]` in place of `TSimCNELoss()`.
        optimization: Optimizer and learning-rate schedule.

    Raises:
        ValueError: If a size or the factor is not positive, or the share is outside 0 to 1.

    Example:
        >>> from csl.encoders import ConvNet
        >>> TSimCNE(ConvNet(), hidden_dim=64).plane[-1]
        Linear(in_features=64, out_features=2, bias=False)
    """

    heads: ClassVar[tuple[str, ...]] = ("encoder", "projection_head", "plane")
    accumulates: ClassVar[bool] = False
    stage_reached: Tensor

    def __init__(
        self,
        encoder: Network,
        hidden_dim: int = 1024,
        output_dim: int = 128,
        plane_start: float = 2 / 3,
        finetuning_rate: float = 1e-3,
        loss: nn.Module | None = None,
        optimization: Optimization = RECIPE,
    ) -> None:
        super().__init__(encoder, optimization)
        check_positive(hidden_dim=hidden_dim, output_dim=output_dim)
        check_share(plane_start=plane_start)
        check_range("finetuning_rate", finetuning_rate, above=0.0)
        in_the_plane = (Stage(plane_start, warms_up=False), Stage(plane_start + CALIBRATION, finetuning_rate))
        self.stages = (Stage(), *(in_the_plane if plane_start < 1 else ()))
        hidden = nn.Sequential(nn.Linear(self.encoder.feature_dim, hidden_dim), nn.ReLU())
        self.projection_head = nn.Sequential(*hidden, nn.Linear(hidden_dim, output_dim, bias=False))
        self.plane = nn.Sequential(*hidden, nn.Linear(hidden_dim, 2, bias=False))  # a shift changes no distance
        self.loss = loss or TSimCNELoss()
        self.register_buffer("stage_reached", torch.tensor(WIDE))  # that of the last step, for measuring

    def training_loss(self, batch: Batch) -> Tensor:
        """The loss above, for this process's images against those of all processes, of the head that is trained."""
        features = [self.encoder(view) for view in batch.views]
        # Both are computed, as several processes wait for the gradients of all parameters.
        wide, plane = (
            in_full_precision(self.loss, *(head(values) for values in features))
            for head in (self.projection_head, self.plane)
        )
        return wide + 0.0 * plane if self._stage() == WIDE else 0.0 * wide + plane

    def after_backward(self) -> None:
        """Let the optimizer leave alone what is not trained now."""
        self.stage_reached.fill_(stage := self._stage())
        wide, plane = (set(head[-1].parameters()) for head in (self.projection_head, self.plane))
        idle = {WIDE: plane, CALIBRATING: set(self.parameters()) - plane, FINETUNING: wide}[stage]
        for parameter in idle:
            parameter.grad = None

    def _stage(self) -> int:
        """The stage of the present step; between steps, where something is measured, that of the last one."""
        if self._trainer is None or not self.trainer.training:
            return int(self.stage_reached)
        return stage_at(self.stages, self.global_step, total_steps(self.trainer))
