"""DINO: a student predicts, from any crop of an image, the softmax of a slowly moving teacher that sees it whole."""

import torch
from torch import Tensor, nn

from csl.checks import check_positive, check_range
from csl.distributed import all_reduce, size, world
from csl.encoders import Network
from csl.losses import DINOLoss, in_full_precision, loss_or
from csl.methods.momentum_teacher import MomentumTeacher
from csl.methods.optimization import Optimization
from csl.methods.run import say_frozen, steps_per_epoch
from csl.methods.small_crops import full_views_and
from csl.methods.step import Keep, Step
from csl.modules import Cosines, mlp
from csl.types import Batch

RECIPE = Optimization("adamw", lr=5e-4, weight_decay=0.04, final_weight_decay=0.4)
BOTTLENECK = 256
CENTER_MOMENTUM = 0.9


class DINO(MomentumTeacher):
    """Self-distillation without labels.

    The loss is `csl.losses.dino_loss`. The teacher, a momentum copy, sees two full views, the student these and the
    small crops, if there are any. The teacher's outputs are centred by their moving mean over all processes, which is
    in checkpoints. The momentum goes along half a cosine to 1, and the weight decay rises to `final_weight_decay`. The
    head ends in cosines with learned directions, which are frozen in the first epochs: its early, arbitrary targets
    would be learned otherwise.

    Outputs of the teacher become alike (a loss that stays at log K) where T_s / T_t is too small for how well one view
    can be predicted from another. What suits sets of some ten thousand small images is chosen here: a teacher
    temperature of 0.02 (the paper begins at 0.04), 128 outputs and not 65,536, batch norm in the head, and two full
    views. The paper's small crops are there for the asking, `small_crops=4`: of images of 8 pixels they tell too
    little to be predicted from.

    From Emerging Properties in Self-Supervised Vision Transformers, 2021, arXiv 2104.14294.

    Args:
        encoder: The network to be trained and studied.
        temperature: T_s of the student.
        teacher_temperature: T_t of the teacher.
        momentum: Momentum of the teacher at the first step.
        hidden_dim: Hidden units of the projection head's two hidden layers.
        output_dim: Length of the projection head's output, K.
        frozen_epochs: How long the head's last layer stays as it was made (epochs).
        small_crops: Number of small crops beside the two full views.
        loss: Called with students `[V, B, K]`, teachers `[2, B, K]` and center `[K]`, in place of
            `DINOLoss(temperature, teacher_temperature)`.
        optimization: Optimizer and learning-rate schedule.

    Raises:
        ValueError: If a temperature or a size is not positive, the momentum is outside 0 to 1, or a number is negative.

    Example:
        >>> from csl.encoders import ConvNet
        >>> DINO(ConvNet(), output_dim=64).center.shape
        torch.Size([64])
    """

    projection_head: nn.Sequential
    center: Tensor

    def __init__(
        self,
        encoder: Network,
        temperature: float = 0.1,
        teacher_temperature: float = 0.02,
        momentum: float = 0.99,
        hidden_dim: int = 2048,
        output_dim: int = 128,
        frozen_epochs: int = 1,
        small_crops: int = 0,
        loss: nn.Module | None = None,
        optimization: Optimization = RECIPE,
    ) -> None:
        super().__init__(encoder, optimization)
        check_positive(hidden_dim=hidden_dim, output_dim=output_dim)
        check_range("frozen_epochs", frozen_epochs)
        self.views = full_views_and(small_crops)
        self.frozen_epochs = frozen_epochs
        layers = mlp(self.encoder.feature_dim, hidden_dim, hidden_dim, BOTTLENECK)
        self.projection_head = nn.Sequential(layers, Cosines(BOTTLENECK, output_dim, bias=False))
        self.copy_networks(momentum)
        self.register_buffer("center", torch.zeros(output_dim))
        own = DINOLoss(temperature, teacher_temperature)
        self.loss = loss_or(loss, own, temperature=(temperature, 0.1), teacher_temperature=(teacher_temperature, 0.02))

    def on_train_start(self) -> None:
        """Say so if the training ends before the head's last layer is trained."""
        super().on_train_start()
        steps = self.frozen_epochs * steps_per_epoch(self.trainer) if self.frozen_epochs else 0
        say_frozen(self.trainer, "frozen_epochs", "the weights of the head's last layer", steps)

    def training_loss(self, batch: Batch) -> Step:
        """The loss above, for this process's images; keeps the teacher's outputs."""
        students = torch.stack([self.projection_head(self.encoder(view)) for view in batch.views])
        teachers = torch.stack(self.targets(batch.views[:2]))
        return Step(in_full_precision(self.loss, students, teachers, self.center), keep=teachers.flatten(0, 1))

    def after_backward(self) -> None:
        """Leave the head's last layer alone in the first epochs."""
        if self.current_epoch < self.frozen_epochs:
            self.projection_head[-1].weight.grad = None

    def after_step(self, keep: Keep) -> None:
        """Move the teacher and the center."""
        super().after_step(keep)
        assert isinstance(keep, Tensor)
        mean = all_reduce(keep.mean(dim=0), world()) / size(world())
        self.center.lerp_(mean.to(self.center.dtype), 1 - CENTER_MOMENTUM)
