"""Soft cluster assignments that use all clusters equally."""

import torch
from torch import Tensor


@torch.no_grad()
def sinkhorn(scores: Tensor, epsilon: float = 0.02, iterations: int = 3) -> Tensor:
    """The assignment of samples to clusters that has high scores while all clusters have about equally many samples.

    `exp(scores / ε)` is scaled so that clusters, then samples, have equal sums, a few times over; in logarithms, so
    that nothing overflows. Without a gradient.

    From Sinkhorn Distances, 2013, arXiv 1306.0895, in the form of SwAV, 2020, arXiv 2006.09882.

    Args:
        scores: `[N, K]`, of samples with clusters.
        epsilon: ε; the smaller, the closer to one cluster a sample.
        iterations: How often both are scaled.

    Returns:
        `[N, K]`, whose rows sum to 1.

    Example:
        >>> sinkhorn(torch.zeros(2, 4)).tolist()
        [[0.25, 0.25, 0.25, 0.25], [0.25, 0.25, 0.25, 0.25]]
    """
    logits = scores / epsilon
    for _ in range(iterations):
        logits = logits.log_softmax(dim=0).log_softmax(dim=1)
    return logits.exp()
