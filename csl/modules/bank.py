"""A memory with one feature vector for every training image, which survives checkpoints and is the same everywhere."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from csl.checks import check_positive, check_range
from csl.distributed import Group, gather_rows
from csl.randomness import derive_generator


class FeatureBank(nn.Module):
    """A unit vector for each of `size` images, which follows what a network makes of the image.

        f_i ← unit(m f_i + (1 − m) v_i)        f: the memory, v: the network's feature, m: the momentum

    It starts with random unit vectors, the same in every process and every run. From a checkpoint, it takes over as
    many vectors as there are.

    From Unsupervised Feature Learning via Non-Parametric Instance Discrimination, 2018, arXiv 1805.01978.

    Args:
        size: Number of images, N; may be 0 until `resize` says how many there are.
        dim: Length of a vector, D.
        name: Banks of other names begin with other vectors.

    Attributes:
        features: The vectors `[N, D]`, in the order of the images.

    Raises:
        ValueError: If `size` is negative or `dim` is not positive.

    Example:
        >>> bank = FeatureBank(size=4, dim=2)
        >>> bank.update(torch.tensor([3]), torch.tensor([[0.0, 9.0]]), momentum=0.0)
        >>> bank.features[3]
        tensor([0., 1.])
    """

    features: Tensor

    def __init__(self, size: int, dim: int, name: str = "bank") -> None:
        super().__init__()
        check_range("size", size)
        check_positive(dim=dim)
        self.name = name
        self.register_buffer("features", _random(name, size, dim))

    def resize(self, size: int) -> None:
        """Begin anew with random unit vectors for another number of images; nothing is changed if it is the same."""
        if size != len(self.features):
            self.features = _random(self.name, size, self.features.shape[1]).to(self.features)

    @torch.no_grad()
    def update(
        self,
        index: Tensor,
        features: Tensor,
        momentum: float = 0.5,
        *,
        group: Group = None,
        counts: Sequence[int] | None = None,
    ) -> None:
        """Move the vectors of some images of every process of the group.

        Args:
            index: Which images `[n]`, int64, each once.
            features: What the network makes of them `[n, D]`, of any length.
            momentum: m.
            group: The processes.
            counts: How many rows each process has; asked for if not given.
        """
        index = gather_rows(index, group, counts)
        arriving = normalize(gather_rows(features, group, counts).to(self.features.dtype), dim=1)
        moved = momentum * self.features[index] + (1 - momentum) * arriving
        self.features[index] = normalize(moved, dim=1)

    def extra_repr(self) -> str:
        """Size and dimension, for printing."""
        size, dim = self.features.shape
        return f"size={size}, dim={dim}"


def _random(name: str, size: int, dim: int) -> Tensor:
    generator = derive_generator(name, size, dim)
    return normalize(torch.randn(size, dim, generator=generator), dim=1)
