"""InfoNCE: find each query's key among negatives."""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from csl.checks import check_temperature


def info_nce_loss(queries: Tensor, keys: Tensor, negatives: Tensor, temperature: float = 0.2) -> Tensor:
    """The mean cross-entropy of finding each query's key among the negatives.

        loss = mean_i −log( exp(q_i · k_i / T) / (exp(q_i · k_i / T) + Σ_j exp(q_i · n_j / T)) )

    From Representation Learning with Contrastive Predictive Coding, 2018, arXiv 1807.03748.

    Args:
        queries: Unit vectors `[B, D]`.
        keys: Unit vectors `[B, D]`, the positives.
        negatives: Unit vectors `[K, D]`.
        temperature: T.

    Example:
        >>> one = torch.eye(2)
        >>> float(info_nce_loss(one[:1], one[:1], one[:1], temperature=1.0))  # two equal candidates
        0.6931471824645996
    """
    positive = (queries * keys).sum(dim=1, keepdim=True)
    logits = torch.cat([positive, queries @ negatives.T.to(queries.dtype)], dim=1) / temperature
    return cross_entropy(logits, torch.zeros(len(logits), dtype=torch.int64, device=logits.device))


class InfoNCELoss(nn.Module):
    """InfoNCE as a module; see `info_nce_loss`.

    Args:
        temperature: T.

    Raises:
        ValueError: If the temperature is not positive.

    Example:
        >>> one = torch.eye(2)
        >>> float(InfoNCELoss(temperature=1.0)(one[:1], one[:1], one[:1]))
        0.6931471824645996
    """

    def __init__(self, temperature: float = 0.2) -> None:
        super().__init__()
        check_temperature(temperature=temperature)
        self.temperature = temperature

    def forward(self, queries: Tensor, keys: Tensor, negatives: Tensor) -> Tensor:
        """The loss of queries `[B, D]` with their keys `[B, D]` against negatives `[K, D]`, all unit vectors."""
        return info_nce_loss(queries, keys, negatives, self.temperature)
