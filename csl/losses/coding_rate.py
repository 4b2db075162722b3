"""How much room embeddings fill: the coding rate."""

import torch
from torch import Tensor

from csl.distributed import Group, size, summed


def coding_rate(embeddings: Tensor, distortion: float = 0.5, group: Group = None) -> Tensor:
    """Nats that are needed to code a sample of each view up to a distortion, as if embeddings were Gaussian.

        R_v = ½ log det(I + D / (N ε) Σ_i z_vi z_viᵀ)

    The sum is over the N samples of all processes.

    From Learning Diverse and Discriminative Representations via Maximal Coding Rate Reduction, 2020, arXiv 2006.08558.

    Args:
        embeddings: z `[V, B, D]`.
        distortion: ε, the squared error that is allowed.
        group: The processes, with as many samples each.

    Returns:
        R `[V]`.

    Example:
        >>> coding_rate(torch.ones(1, 3, 1), distortion=1.0)  # ½ log(1 + 1)
        tensor([0.3466])
    """
    _, count, dim = embeddings.shape
    total = summed(embeddings.mT @ embeddings, group)
    eye = torch.eye(dim, dtype=total.dtype, device=total.device)
    # With `cholesky_ex` a device is not waited for; the matrix has no eigenvalue below 1.
    factor, _ = torch.linalg.cholesky_ex(eye + dim / (count * size(group) * distortion) * total)
    half: Tensor = factor.diagonal(dim1=1, dim2=2).log().sum(dim=1)
    return half
