"""NT-Xent: among all views of all images, find the other view of the same image."""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from csl.checks import check_temperature
from csl.distributed import Group, gather_equal_rows, rank, world


def nt_xent_loss(first: Tensor, second: Tensor, temperature: float = 0.2, group: Group = None) -> Tensor:
    """The mean cross-entropy of finding each view's other view among all views of all processes but itself.

        loss = mean_i −log( exp(z_i · z_i' / T) / Σ_{j ≠ i} exp(z_i · z_j / T) )

    over all 2B views i, where z_i is the unit vector of a view and z_i' that of the same image's other view. The device
    is not waited for: a view's similarity to itself is masked, not cut out.

    From A Simple Framework for Contrastive Learning of Visual Representations, 2020, arXiv 2002.05709.

    Args:
        first: One view of each of this process's images `[B, D]`, of any length.
        second: The other view of the same images `[B, D]`.
        temperature: T.
        group: The processes, with as many images each.

    Example:
        >>> one = torch.eye(2)
        >>> float(nt_xent_loss(one, one, temperature=1.0))  # -log(e / (e + 1 + 1))
        0.5514446496963501
    """
    views = [normalize(view, dim=1) for view in (first, second)]
    everything = torch.cat([gather_equal_rows(view, group) for view in views])
    images = len(everything) // 2
    numbers = torch.arange(len(first), device=first.device) + rank(group) * len(first)
    itself, other = torch.cat([numbers, numbers + images]), torch.cat([numbers + images, numbers])
    logits = torch.cat(views) @ everything.T / temperature
    is_itself = torch.arange(2 * images, device=first.device) == itself[:, None]
    return cross_entropy(logits.masked_fill(is_itself, -torch.inf), other)


class NTXentLoss(nn.Module):
    """NT-Xent as a module, over the images of all processes; see `nt_xent_loss`.

    Args:
        temperature: T.

    Raises:
        ValueError: If the temperature is not positive.

    Example:
        >>> float(NTXentLoss(temperature=1.0)(torch.eye(2), torch.eye(2)))
        0.5514446496963501
    """

    def __init__(self, temperature: float = 0.2) -> None:
        super().__init__()
        check_temperature(temperature=temperature)
        self.temperature = temperature

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """The loss of this process's two views `[B, D]`."""
        return nt_xent_loss(first, second, self.temperature, world())
