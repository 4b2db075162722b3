"""t-SimCNE's contrast: NT-Xent with a similarity of heavy tails, as maps in the plane need it."""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from csl.distributed import Group, gather_equal_rows, rank, world


def t_simcne_loss(first: Tensor, second: Tensor, group: Group = None) -> Tensor:
    """The mean cross-entropy of finding each view's other view, by Cauchy similarities.

        loss = mean_i −log( s(z_i, z_i') / Σ_{j ≠ i} s(z_i, z_j) ),      s(a, b) = 1 / (1 + ‖a − b‖²)

    over all 2B views i; z_i' is the same image's other view. Embeddings are not scaled to length 1.

    From Unsupervised visualization of image datasets using contrastive learning, 2022, arXiv 2210.09879.

    Args:
        first: One view `[B, D]` of each of this process's images.
        second: The other view `[B, D]` of the same images.
        group: The processes, with as many images each.

    Example:
        >>> points = torch.tensor([[0.0], [3.0]])
        >>> round(float(t_simcne_loss(points, points)), 4)  # −log(1 / (1 + 2 / 10))
        0.1823
    """
    everything = torch.cat([gather_equal_rows(view, group) for view in (first, second)])
    images = len(everything) // 2
    numbers = torch.arange(len(first), device=first.device) + rank(group) * len(first)
    itself, other = torch.cat([numbers, numbers + images]), torch.cat([numbers + images, numbers])
    logits = -torch.log1p(_squared_distances(torch.cat([first, second]), everything))
    is_itself = torch.arange(2 * images, device=first.device) == itself[:, None]
    return cross_entropy(logits.masked_fill(is_itself, -torch.inf), other)


def _squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """Of all pairs, around the common mean, so that few digits are lost."""
    middle = b.detach().mean(dim=0)
    a, b = a - middle, b - middle
    squares = a.square().sum(dim=1)[:, None] + b.square().sum(dim=1)
    return (squares - 2 * a @ b.T).clamp(min=0)


class TSimCNELoss(nn.Module):
    """t-SimCNE's loss as a module, over the images of all processes; see `t_simcne_loss`.

    Example:
        >>> points = torch.tensor([[0.0], [3.0]])
        >>> round(float(TSimCNELoss()(points, points)), 4)
        0.1823
    """

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """The loss of this process's two views `[B, D]`."""
        return t_simcne_loss(first, second, world())
