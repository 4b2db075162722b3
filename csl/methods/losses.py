"""Parts of losses that several methods share."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from csl.distributed import Group, gather_equal_rows, rank


def in_full_precision(loss: Callable[..., Tensor], *tensors: Tensor) -> Tensor:
    """A loss of the tensors computed outside autocast and in at least float32.

    Half precision keeps three digits, and logits are similarities divided by a small temperature.
    """
    with torch.autocast(tensors[0].device.type, enabled=False):
        return loss(*(t if t.dtype in (torch.float32, torch.float64) else t.float() for t in tensors))


def info_nce(queries: Tensor, keys: Tensor, negatives: Tensor, temperature: float) -> Tensor:
    """The mean cross-entropy of finding each query's key among the negatives.

        loss = mean_i −log( exp(q_i · k_i / T) / (exp(q_i · k_i / T) + Σ_j exp(q_i · n_j / T)) )

    Args:
        queries: Unit vectors `[B, D]`.
        keys: Unit vectors `[B, D]`, the positives.
        negatives: Unit vectors `[K, D]`.
        temperature: T.

    Example:
        >>> one = torch.eye(2)
        >>> float(info_nce(one[:1], one[:1], one[:1], temperature=1.0))  # two equal candidates
        0.6931471824645996
    """
    positive = (queries * keys).sum(dim=1, keepdim=True)
    logits = torch.cat([positive, queries @ negatives.T.to(queries.dtype)], dim=1) / temperature
    return cross_entropy(logits, torch.zeros(len(logits), dtype=torch.int64, device=logits.device))


def nt_xent(first: Tensor, second: Tensor, temperature: float, group: Group = None) -> Tensor:
    """The mean cross-entropy of finding each view's other view among all views of all processes but itself.

        loss = mean_i −log( exp(z_i · z_i' / T) / Σ_{j ≠ i} exp(z_i · z_j / T) )

    The device is not waited for: a view's similarity to itself is masked, not cut out.

    Args:
        first: One view of each of this process's images `[B, D]`, of any length.
        second: The other view of the same images `[B, D]`.
        temperature: T.
        group: The processes, with as many images each.

    Example:
        >>> one = torch.eye(2)
        >>> float(nt_xent(one, one, temperature=1.0))  # e / (e + 1 + 1)
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
