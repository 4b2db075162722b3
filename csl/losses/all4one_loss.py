"""All4One's three contrasts: of neighbours, of neighbours' centroids, and of features."""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from csl.checks import check_temperature
from csl.distributed import Group, gather_equal_rows, world

CENTROID_TEMPERATURE = 0.1


def all4one_loss(
    neighbors: Tensor,
    predictions: Tensor,
    centroids: Tensor,
    shifted: Tensor,
    projections: Tensor,
    targets: Tensor,
    temperature: float = 0.2,
    group: Group = None,
) -> Tensor:
    """Half the sum of All4One's three contrasts, each symmetric in an image's two views.

        loss = (n(a_1, p_2) + n(a_2, p_1)) / 4 + (n(c_1, s_2) + n(c_2, s_1)) / 4 + 5/2 (√on + √off)

        n(a, p) = mean_i −log( exp(a_i · p_i / T) / Σ_j exp(a_i · p_j / T) )  of unit vectors

    `on` and `off` are the mean squares of C_kk − 1, and of C_kl with k ≠ l. C is the matrix of cosines between the
    columns of one view's targets t and of the other view's projections z. For centroids T is 0.1.

    From All4One: Symbiotic Neighbour Contrastive Learning via Self-Attention and Redundancy Reduction, 2023,
    arXiv 2303.09417.

    Args:
        neighbors: a, the nearest neighbour of each view's target, `[2, B, D]`.
        predictions: p, of each view's projection, `[2, B, D]`.
        centroids: c, what attention makes of a target's neighbours, `[2, B, D]`.
        shifted: s, what it makes of a prediction and its target's neighbours, `[2, B, D]`.
        projections: z `[2, B, D]`.
        targets: t, projections by the momentum copies, `[2, B, D]`.
        temperature: T of the neighbours.
        group: The processes, with as many images each.

    Example:
        >>> one = torch.eye(2).expand(2, 2, 2)
        >>> round(float(all4one_loss(one, one, one, one, one, one, temperature=0.1)), 3)  # log(1 + e⁻¹⁰)
        0.0
    """
    parts = (neighbors, predictions, centroids, shifted, projections, targets)
    a, p, c, s, z, t = ([gather_equal_rows(view, group) for view in part] for part in parts)
    nearest = _contrast(a[0], p[1], temperature) + _contrast(a[1], p[0], temperature)
    central = _contrast(c[0], s[1], CENTROID_TEMPERATURE) + _contrast(c[1], s[0], CENTROID_TEMPERATURE)
    return nearest / 4 + central / 4 + _redundancy(torch.stack(t), torch.stack([z[1], z[0]]))


def _contrast(rows: Tensor, columns: Tensor, temperature: float) -> Tensor:
    logits = normalize(rows, dim=1) @ normalize(columns, dim=1).T / temperature
    return cross_entropy(logits, torch.arange(len(logits), device=logits.device))


def _redundancy(targets: Tensor, projections: Tensor) -> Tensor:
    """Of targets and projections `[2, N, D]`: 5/2 times the sum of the roots of both mean squares."""
    cosines = normalize(targets, dim=1).mT @ normalize(projections, dim=1)
    dim = cosines.shape[1]
    diagonal = cosines.diagonal(dim1=1, dim2=2)
    on = (diagonal - 1).square().mean()
    off = (cosines.square().sum() - diagonal.square().sum()) / max(1, 2 * dim * (dim - 1))
    # At 0 a root has no slope.
    return 2.5 * sum((part.clamp(min=1e-12).sqrt() for part in (on, off)), start=on.new_zeros(()))


class All4OneLoss(nn.Module):
    """All4One's loss as a module, over the images of all processes; see `all4one_loss`.

    Args:
        temperature: T of the neighbours.

    Raises:
        ValueError: If the temperature is not positive.

    Example:
        >>> one = torch.eye(2).expand(2, 2, 2)
        >>> round(float(All4OneLoss(temperature=0.1)(one, one, one, one, one, one)), 3)
        0.0
    """

    def __init__(self, temperature: float = 0.2) -> None:
        super().__init__()
        check_temperature(temperature=temperature)
        self.temperature = temperature

    def forward(
        self,
        neighbors: Tensor,
        predictions: Tensor,
        centroids: Tensor,
        shifted: Tensor,
        projections: Tensor,
        targets: Tensor,
    ) -> Tensor:
        """The loss of six `[2, B, D]`, two views each."""
        return all4one_loss(neighbors, predictions, centroids, shifted, projections, targets, self.temperature, world())
