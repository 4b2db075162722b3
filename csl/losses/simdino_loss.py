"""SimDINO: views follow a teacher, and the coding rate keeps embeddings apart."""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from csl.checks import check_range
from csl.distributed import Group, size, world
from csl.losses.coding_rate import coding_rate
from csl.losses.cross_view import mean_of_others


def simdino_loss(
    students: Tensor, teachers: Tensor, rate_weight: float = 1.0, distortion: float = 0.5, group: Group = None
) -> Tensor:
    """Half the squared distance of different views from the teacher's, less the coding rate of the full views.

        loss = mean_{g ≠ v} mean_i ½‖s_vi − t_gi‖² − w γ mean_g R(s_g),      γ = 1 / D + 1 / N

    of unit vectors, with R of `csl.losses.coding_rate`. R grows with D and N as 1 / γ; so w is about as good for any
    batch and length.

    From Simplifying DINO via Coding Rate Regularization, 2025, arXiv 2502.10385.

    Args:
        students: s, of all views, `[V, B, D]`, of any length.
        teachers: t, of the first G views, `[G, B, D]`, of any length.
        rate_weight: w.
        distortion: ε of the coding rate.
        group: The processes, with as many images each.

    Example:
        >>> float(simdino_loss(torch.ones(2, 1, 1), -torch.ones(2, 1, 1), rate_weight=0.0))
        2.0
    """
    students, teachers = normalize(students, dim=2), normalize(teachers.detach(), dim=2)
    _, count, dim = students.shape
    cosines = torch.einsum("gbd,vbd->gv", teachers, students) / count
    rate = coding_rate(students[: len(teachers)], distortion, group).mean()
    balance = 1 / dim + 1 / (count * size(group))
    return 1 - mean_of_others(cosines) - rate_weight * balance * rate


class SimDINOLoss(nn.Module):
    """SimDINO's loss as a module, over the images of all processes; see `simdino_loss`.

    Args:
        rate_weight: w of the coding rate.
        distortion: ε of the coding rate.

    Raises:
        ValueError: If the weight is negative or the distortion is not positive.

    Example:
        >>> float(SimDINOLoss(rate_weight=0.0)(torch.ones(2, 1, 1), torch.ones(2, 1, 1)))
        0.0
    """

    def __init__(self, rate_weight: float = 1.0, distortion: float = 0.5) -> None:
        super().__init__()
        check_range("rate_weight", rate_weight)
        check_range("distortion", distortion, above=0.0)
        self.rate_weight, self.distortion = rate_weight, distortion

    def forward(self, students: Tensor, teachers: Tensor) -> Tensor:
        """The loss of students `[V, B, D]` for teachers `[G, B, D]`."""
        return simdino_loss(students, teachers, self.rate_weight, self.distortion, world())
