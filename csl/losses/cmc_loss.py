"""CMC: from one sense of an image, find its other sense, and the other way round."""

from torch import Tensor, nn

from csl.checks import check_temperature
from csl.distributed import Group, world
from csl.losses.nnclr_loss import nnclr_loss


def cmc_loss(first: Tensor, second: Tensor, temperature: float = 0.07, group: Group = None) -> Tensor:
    """The sum of both ways to find an image's other view among those of all images of the batch.

        loss = c(z, z') + c(z', z)      c(z, y) = mean_i −log( exp(z_i · y_i / T) / Σ_j exp(z_i · y_j / T) )

    with unit vectors. The negatives are the other images of the batch, those of all processes together.

    From Contrastive Multiview Coding, 2020, arXiv 1906.05849, which draws them from a memory bank.

    Args:
        first: z, one view of each of this process's images `[B, D]`, of any length.
        second: z', the other one `[B, D]`.
        temperature: T.
        group: The processes, with as many images each.

    Example:
        >>> import torch
        >>> one = torch.eye(2)
        >>> float(cmc_loss(one, one, temperature=1.0))  # 2 · −log(e / (e + 1))
        0.6265...
    """
    return nnclr_loss(first, second, temperature, group) + nnclr_loss(second, first, temperature, group)


class CMCLoss(nn.Module):
    """CMC's loss within the batch as a module, over the images of all processes; see `cmc_loss`.

    Args:
        temperature: T.

    Raises:
        ValueError: If the temperature is not positive.

    Example:
        >>> CMCLoss(temperature=0.1).temperature
        0.1
    """

    def __init__(self, temperature: float = 0.07) -> None:
        super().__init__()
        check_temperature(temperature=temperature)
        self.temperature = temperature

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """The loss of two views of this process's images `[B, D]`."""
        return cmc_loss(first, second, self.temperature, world())
