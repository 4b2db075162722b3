"""The definitions written out in dense float64: the reference of the pairwise and metric tests."""

import torch
from torch import Tensor


def dense_distances(features: Tensor) -> Tensor:
    x = features.double()
    return torch.stack([(x - row).square().sum(dim=1).sqrt() for row in x])


def dense_mean(features: Tensor) -> Tensor:
    n = len(features)
    return dense_distances(features).sum() / (n * (n - 1))


def dense_log_kernel(features: Tensor, temperature: float) -> Tensor:
    exponents = -dense_distances(features) / (dense_mean(features) * temperature)
    return exponents.fill_diagonal_(-torch.inf)


def dense_log_row_sums(features: Tensor, temperature: float) -> Tensor:
    return dense_log_kernel(features, temperature).logsumexp(dim=1)


def dense_w(features: Tensor, temperature: float) -> Tensor:
    log_r = dense_log_row_sums(features, temperature)
    exponents = 2 * dense_log_kernel(features, temperature) - log_r[:, None] - log_r[None, :]
    return len(features) ** 2 * exponents.exp()


def dense_block_sums(features: Tensor, labels: Tensor, num_classes: int, temperature: float) -> Tensor:
    member = torch.nn.functional.one_hot(labels.long(), num_classes).double()
    return member.T @ dense_w(features, temperature) @ member


def dense_contributions(features: Tensor, labels: Tensor, temperature: float) -> list[float]:
    """What each class adds to RLD."""
    w = dense_w(features, temperature)
    total, degrees = w.sum(), w.sum(dim=1)
    return [
        float(w[labels == c][:, labels == c].sum() / total - (degrees[labels == c].sum() / total) ** 2)
        for c in sorted(set(labels.tolist()))
    ]


def dense_rld(features: Tensor, labels: Tensor, temperature: float) -> float:
    return sum(dense_contributions(features, labels, temperature))
