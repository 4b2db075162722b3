"""DINO's self-distillation: each view predicts what a centred and sharpened teacher makes of another view."""

from torch import Tensor, nn

from csl.checks import check_temperature
from csl.losses.cross_view import cross_view_entropy


def dino_loss(
    students: Tensor, teachers: Tensor, center: Tensor, temperature: float = 0.1, teacher_temperature: float = 0.02
) -> Tensor:
    """The mean cross-entropy between the teacher's and the student's softmax, over all pairs of different views.

        loss = mean_{g ≠ v} mean_i −Σ_k softmax((t_gi − c) / T_t)_k log softmax(s_vi / T_s)_k

    Centring works against one output taking all, the teacher's low temperature against all being alike.

    From Emerging Properties in Self-Supervised Vision Transformers, 2021, arXiv 2104.14294.

    Args:
        students: s, of all views, `[V, B, K]`.
        teachers: t, of the first G views, `[G, B, K]`.
        center: c `[K]`.
        temperature: T_s.
        teacher_temperature: T_t.

    Example:
        >>> import torch
        >>> float(dino_loss(torch.zeros(3, 2, 4), torch.zeros(2, 2, 4), torch.zeros(4)))  # log 4
        1.3862943649291992
    """
    targets = ((teachers.detach() - center) / teacher_temperature).softmax(dim=2)
    return cross_view_entropy(targets, students / temperature)


class DINOLoss(nn.Module):
    """DINO's loss as a module; see `dino_loss`.

    Args:
        temperature: T_s, of the student.
        teacher_temperature: T_t, of the teacher.

    Raises:
        ValueError: If a temperature is not positive.

    Example:
        >>> import torch
        >>> float(DINOLoss()(torch.zeros(2, 2, 4), torch.zeros(2, 2, 4), torch.zeros(4)))
        1.3862943649291992
    """

    def __init__(self, temperature: float = 0.1, teacher_temperature: float = 0.02) -> None:
        super().__init__()
        check_temperature(temperature=temperature, teacher_temperature=teacher_temperature)
        self.temperature, self.teacher_temperature = temperature, teacher_temperature

    def forward(self, students: Tensor, teachers: Tensor, center: Tensor) -> Tensor:
        """The loss of students `[V, B, K]` for teachers `[G, B, K]` around a center `[K]`."""
        return dino_loss(students, teachers, center, self.temperature, self.teacher_temperature)
