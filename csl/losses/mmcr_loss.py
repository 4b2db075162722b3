"""Maximum manifold capacity: views of an image shrink to a point, the points spread over all directions."""

import torch
from torch import Tensor, nn
from torch.linalg import svdvals
from torch.nn.functional import normalize

from csl.checks import check_range
from csl.distributed import Group, gather_equal_rows, world


def mmcr_loss(*views: Tensor, local_weight: float = 0.0, group: Group = None) -> Tensor:
    """The negative nuclear norm of the images' mean vectors, over the images of all processes.

        loss = −‖C‖_* + λ mean_b ‖Z_b‖_*

    where Z_b `[V, D]` holds the unit vectors of an image's V views, C `[B, D]` the mean of each image's, and the
    nuclear norm ‖·‖_* is the sum of singular values. A mean is long only if the views agree, and the sum is large only
    if the means spread over many directions; so λ may be 0. It needs float32: torch has no singular values in less.

    From Learning Efficient Coding of Natural Images with Maximum Manifold Capacity Representations, 2023,
    arXiv 2303.03307.

    Args:
        views: Views of this process's images `[B, D]` each, of any length.
        local_weight: λ.
        group: The processes, with as many images each.

    Example:
        >>> float(mmcr_loss(torch.eye(3), torch.eye(3)))
        -3.0
    """
    vectors = torch.stack([gather_equal_rows(normalize(view, dim=1), group) for view in views], dim=1)
    loss: Tensor = -svdvals(vectors.mean(dim=1)).sum()
    if local_weight:
        loss = loss + local_weight * svdvals(vectors).sum() / len(vectors)
    return loss


class MMCRLoss(nn.Module):
    """The loss of maximum manifold capacity as a module, over the images of all processes; see `mmcr_loss`.

    Args:
        local_weight: λ.

    Raises:
        ValueError: If the weight is negative.

    Example:
        >>> MMCRLoss(local_weight=0.005).local_weight
        0.005
    """

    def __init__(self, local_weight: float = 0.0) -> None:
        super().__init__()
        check_range("local_weight", local_weight)
        self.local_weight = local_weight

    def forward(self, *views: Tensor) -> Tensor:
        """The loss of this process's views `[B, D]` each."""
        return mmcr_loss(*views, local_weight=self.local_weight, group=world())
