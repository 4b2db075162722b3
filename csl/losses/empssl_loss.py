"""EMP-SSL: patches of an image are like their mean, and the coding rate keeps images apart."""

from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, normalize

from csl.checks import check_range
from csl.distributed import Group, world
from csl.losses.coding_rate import coding_rate


def empssl_loss(
    embeddings: Tensor, invariance_weight: float = 200.0, distortion: float = 0.2, group: Group = None
) -> Tensor:
    """The similarity of patches with the mean of their image's patches, and the patches' coding rate, both negative.

        loss = −λ mean_{v, i} cos(z_vi, z̄_i) − mean_v R(z_v)

    of unit vectors, with R of `csl.losses.coding_rate`.

    From EMP-SSL: Towards Self-Supervised Learning in One Training Epoch, 2023, arXiv 2304.03977.

    Args:
        embeddings: z, of V patches of each image, `[V, B, D]`, of any length.
        invariance_weight: λ.
        distortion: ε of the coding rate.
        group: The processes, with as many images each.

    Example:
        >>> import torch
        >>> float(empssl_loss(torch.ones(2, 1, 1), invariance_weight=1.0, distortion=1.0))  # −1 − ½ log 2
        -1.3465735912322998
    """
    units = normalize(embeddings, dim=2)
    similarity = cosine_similarity(units, units.mean(dim=0, keepdim=True), dim=2).mean()
    return -invariance_weight * similarity - coding_rate(units, distortion, group).mean()


class EMPSSLLoss(nn.Module):
    """EMP-SSL's loss as a module, over the images of all processes; see `empssl_loss`.

    Args:
        invariance_weight: λ.
        distortion: ε of the coding rate.

    Raises:
        ValueError: If the weight is negative or the distortion is not positive.

    Example:
        >>> import torch
        >>> float(EMPSSLLoss(invariance_weight=1.0, distortion=1.0)(torch.ones(2, 1, 1)))
        -1.3465735912322998
    """

    def __init__(self, invariance_weight: float = 200.0, distortion: float = 0.2) -> None:
        super().__init__()
        check_range("invariance_weight", invariance_weight)
        check_range("distortion", distortion, above=0.0)
        self.invariance_weight, self.distortion = invariance_weight, distortion

    def forward(self, embeddings: Tensor) -> Tensor:
        """The loss of the embeddings `[V, B, D]` of this process's images."""
        return empssl_loss(embeddings, self.invariance_weight, self.distortion, world())
