"""MoCo v3's contrast: find each query's key among the keys of the batch."""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from csl.checks import check_temperature
from csl.distributed import Group, gather_equal_rows, rank, world


def moco_v3_loss(queries: Tensor, keys: Tensor, temperature: float = 0.2, group: Group = None) -> Tensor:
    """The mean cross-entropy of finding each query's key among the keys of all processes.

        loss = 2T · mean_i −log( exp(q_i · k_i / T) / Σ_j exp(q_i · k_j / T) )

    of unit vectors. The factor 2T makes the learning rate depend less on T.

    From An Empirical Study of Training Self-Supervised Vision Transformers, 2021, arXiv 2104.02057.

    Args:
        queries: `[B, D]`, of any length.
        keys: `[B, D]`, of any length; they have no gradient.
        temperature: T.
        group: The processes, with as many images each.

    Example:
        >>> round(float(moco_v3_loss(torch.eye(2), torch.eye(2), temperature=1.0)), 4)  # 2 log(1 + 1 / e)
        0.6265
    """
    everything = gather_equal_rows(normalize(keys.detach(), dim=1), group)
    logits = normalize(queries, dim=1) @ everything.T / temperature
    own = torch.arange(len(queries), device=queries.device) + rank(group) * len(queries)
    return 2 * temperature * cross_entropy(logits, own)


class MoCoV3Loss(nn.Module):
    """MoCo v3's loss as a module, over the images of all processes; see `moco_v3_loss`.

    Args:
        temperature: T.

    Raises:
        ValueError: If the temperature is not positive.

    Example:
        >>> round(float(MoCoV3Loss(temperature=1.0)(torch.eye(2), torch.eye(2))), 4)
        0.6265
    """

    def __init__(self, temperature: float = 0.2) -> None:
        super().__init__()
        check_temperature(temperature=temperature)
        self.temperature = temperature

    def forward(self, queries: Tensor, keys: Tensor) -> Tensor:
        """The loss of queries `[B, D]` with their keys `[B, D]`."""
        return moco_v3_loss(queries, keys, self.temperature, world())
