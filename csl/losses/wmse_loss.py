"""W-MSE: the distance of two views whose embeddings are whitened over the batch."""

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity

from csl.checks import check_range
from csl.distributed import Group, gather_equal_rows, world

# What lets the factor exist where a covariance has no full rank. With 1e-4 the embeddings of a digits' run stretched
# along one direction until all others fell below it: the loss went to 0, and the features had one dimension.
SHRINKAGE = 1e-10


def whitened(embeddings: Tensor, shrinkage: float = SHRINKAGE) -> Tensor:
    """Embeddings `[N, D]` with mean 0 and the identity as their covariance, by a Cholesky factor.

        w_i = L⁻¹ (z_i − z̄),      L Lᵀ = C + ε tr(C) / D · I,      C: covariance

    N should be at least 2D: D + 1 samples are equally far apart once they are whitened, wherever they were. It is
    computed in float64: embeddings may vary a million times more along one direction than along another.

    Args:
        embeddings: z `[N, D]`.
        shrinkage: ε, which keeps the factor finite unless all embeddings are equal. Variance along a direction that is
            below ε of the mean variance is not whitened but lost; a larger ε rewards embeddings that vary along few
            directions.

    Example:
        >>> whitened(torch.tensor([[1.0], [3.0]]), shrinkage=0.0)
        tensor([[-0.7071],
                [ 0.7071]])
    """
    centered = embeddings.double() - embeddings.double().mean(dim=0)
    covariance = centered.T @ centered / (len(embeddings) - 1)
    eye = torch.eye(len(covariance), dtype=covariance.dtype, device=covariance.device)
    # With `cholesky_ex` a device is not waited for.
    factor, _ = torch.linalg.cholesky_ex(covariance + shrinkage * covariance.diagonal().mean() * eye)
    white: Tensor = torch.linalg.solve_triangular(factor, centered.T, upper=False)
    return white.T.to(embeddings.dtype)


def wmse_loss(first: Tensor, second: Tensor, shrinkage: float = SHRINKAGE, group: Group = None) -> Tensor:
    """The mean squared distance of two views, whitened over parts of the batch of all processes, scaled to length 1.

        loss = mean_i 2 − 2 cos(w_i, w'_i),  from 0 to 4,      w: `whitened`

    A part has 2D images, or up to twice as many where they do not divide the batch; a batch below 2D is one part. In
    larger parts a few images far from all others could make up the variance along every direction, and the others, all
    alike, agree for nothing. A part holds images that follow each other in the batch, of which each process has a
    contiguous share.

    From Whitening for Self-Supervised Representation Learning, 2020, arXiv 2007.06346.

    Args:
        first: One view `[B, D]` of this process's images.
        second: The other view `[B, D]`.
        shrinkage: ε of the whitening.
        group: The processes, with as many images each.

    Example:
        >>> z = torch.randn(8, 2, generator=torch.Generator().manual_seed(0))
        >>> round(float(wmse_loss(z, 3 * z + 1)), 5)
        0.0
    """
    ours, others = (_whitened_in_parts(gather_equal_rows(view, group), shrinkage) for view in (first, second))
    return 2 - 2 * cosine_similarity(ours, others).mean()


def _whitened_in_parts(rows: Tensor, shrinkage: float) -> Tensor:
    parts = max(1, len(rows) // (2 * rows.shape[1]))
    return torch.cat([whitened(part, shrinkage) for part in rows.tensor_split(parts)])


class WMSELoss(nn.Module):
    """W-MSE's loss as a module, over the images of all processes; see `wmse_loss`.

    Args:
        shrinkage: ε of the whitening.

    Raises:
        ValueError: If the shrinkage is negative.

    Example:
        >>> z = torch.randn(8, 2, generator=torch.Generator().manual_seed(0))
        >>> round(float(WMSELoss()(z, z)), 5)
        0.0
    """

    def __init__(self, shrinkage: float = SHRINKAGE) -> None:
        super().__init__()
        check_range("shrinkage", shrinkage)
        self.shrinkage = shrinkage

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """The loss of this process's two views `[B, D]`."""
        return wmse_loss(first, second, self.shrinkage, world())
