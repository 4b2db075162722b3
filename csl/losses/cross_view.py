"""What losses of several views share: every view is compared with every other view of the same image."""

import torch
from torch import Tensor


def mean_of_others(scores: Tensor) -> Tensor:
    """The mean of scores `[G, V]` of G target views with V views, of which the first G are the same views.

    A view with itself, the diagonal, is left out.

    Example:
        >>> float(mean_of_others(torch.tensor([[9.0, 1.0, 2.0], [3.0, 9.0, 4.0]])))
        2.5
    """
    return (scores.sum() - scores.diagonal().sum()) / (scores.numel() - min(scores.shape))


def cross_view_entropy(targets: Tensor, logits: Tensor) -> Tensor:
    """The mean cross-entropy of every view's softmax for every other view's target.

        loss = mean_{g ≠ v} mean_i −Σ_k t_gik log softmax(s_vi)_k

    Args:
        targets: Distributions `[G, B, K]` of the first G views.
        logits: s, of all views, `[V, B, K]`.

    Example:
        >>> float(cross_view_entropy(torch.ones(2, 1, 1), torch.zeros(3, 1, 1)))
        0.0
    """
    entropies = -torch.einsum("gbk,vbk->gv", targets, logits.log_softmax(dim=2)) / logits.shape[1]
    return mean_of_others(entropies)
