"""SwAV's swapped prediction: each view predicts the cluster that another view is assigned to."""

import torch
from torch import Tensor, nn

from csl.checks import check_positive, check_temperature
from csl.distributed import Group, gather_equal_rows, rank, world
from csl.losses.cross_view import cross_view_entropy
from csl.losses.sinkhorn import sinkhorn


def swav_loss(
    scores: Tensor,
    queued: Tensor,
    temperature: float = 0.1,
    epsilon: float = 0.02,
    iterations: int = 3,
    group: Group = None,
) -> Tensor:
    """The mean cross-entropy of each view's softmax over prototypes for another view's assignment.

        loss = mean_{g ≠ v} mean_i −Σ_k q_gik log softmax(s_vi / T)_k,      q: `csl.losses.sinkhorn`

    Assignments q, of the first G views, are balanced over the images of all processes and those of the queue.

    From Unsupervised Learning of Visual Features by Contrasting Cluster Assignments, 2020, arXiv 2006.09882.

    Args:
        scores: s, cosines of all views with the prototypes, `[V, B, K]`.
        queued: Cosines of earlier images with the prototypes `[G, Q, K]`, the same on every process; Q may be 0.
        temperature: T.
        epsilon: Of the assignment.
        iterations: Of the assignment.
        group: The processes, with as many images each.

    Example:
        >>> float(swav_loss(torch.zeros(3, 2, 4), torch.zeros(2, 0, 4)))  # log 4
        1.3862943649291992
    """
    first, count = rank(group) * scores.shape[1], scores.shape[1]
    with torch.no_grad():
        everything = [
            torch.cat([gather_equal_rows(own, group), more]) for own, more in zip(scores, queued, strict=False)
        ]
        codes = torch.stack([sinkhorn(rows, epsilon, iterations)[first : first + count] for rows in everything])
    return cross_view_entropy(codes, scores / temperature)


class SwAVLoss(nn.Module):
    """SwAV's loss as a module, over the images of all processes; see `swav_loss`.

    Args:
        temperature: T.
        epsilon: Of the assignment.
        iterations: Of the assignment.

    Raises:
        ValueError: If a number is not positive.

    Example:
        >>> float(SwAVLoss()(torch.zeros(2, 2, 4), torch.zeros(2, 0, 4)))
        1.3862943649291992
    """

    def __init__(self, temperature: float = 0.1, epsilon: float = 0.02, iterations: int = 3) -> None:
        super().__init__()
        check_temperature(temperature=temperature, epsilon=epsilon)
        check_positive(iterations=iterations)
        self.temperature, self.epsilon, self.iterations = temperature, epsilon, iterations

    def forward(self, scores: Tensor, queued: Tensor) -> Tensor:
        """The loss of scores `[V, B, K]`, with queued ones `[G, Q, K]` of the first G views."""
        return swav_loss(scores, queued, self.temperature, self.epsilon, self.iterations, world())
