"""A first-in-first-out memory of feature vectors that survives checkpoints and is the same on every process."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from csl import distributed
from csl.checks import check_positive
from csl.distributed import Group
from csl.randomness import derive_generator


class FeatureQueue(nn.Module):
    """The last `size` feature vectors that were put in; a ring buffer whose oldest rows are overwritten first.

    It starts full of random unit vectors, the same in every process and every run, so that its size, and with it the
    difficulty of a contrastive task, does not change during training. Contents and position are buffers, so a
    checkpoint holds them. Nothing in `enqueue` waits for the device, unless it has to ask other processes for counts.

    From MoCo, 2020, arXiv 1911.05722.

    Args:
        size: Number of vectors held, K.
        dim: Length of a vector, D.

    Attributes:
        features: The vectors `[K, D]`, in no particular order.

    Raises:
        ValueError: If `size` or `dim` is not positive, or what is put in is not `[N, D]`.

    Example:
        >>> queue = FeatureQueue(size=4, dim=2)
        >>> queue.enqueue(torch.ones(3, 2))
        >>> queue.enqueue(torch.zeros(2, 2))
        >>> queue.features.sum(dim=1)
        tensor([0., 2., 2., 0.])
    """

    features: Tensor
    position: Tensor

    def __init__(self, size: int, dim: int) -> None:
        super().__init__()
        check_positive(size=size, dim=dim)
        self.register_buffer("features", _random(size, dim))
        self.register_buffer("position", torch.zeros((), dtype=torch.int64))

    def resize(self, size: int) -> None:
        """Begin anew with another size, unless the queue has it already.

        Raises:
            ValueError: If the size is not positive.
        """
        check_positive(size=size)
        if size != len(self.features):
            self.features = _random(size, self.features.shape[1]).to(self.features)
            self.position.zero_()

    @torch.no_grad()
    def enqueue(self, features: Tensor, *, group: Group = None, counts: Sequence[int] | None = None) -> None:
        """Put in the rows `[n, D]` of every process of the group, in rank order, over the oldest ones.

        With more rows than the queue holds, the last ones stay.

        Args:
            features: This process's rows.
            group: The processes.
            counts: How many rows each process has; asked for if not given.
        """
        if features.ndim != 2 or features.shape[1] != self.features.shape[1]:
            raise ValueError(f"features: expected shape [N, {self.features.shape[1]}], got {list(features.shape)}")
        arriving = distributed.gather_rows(features.detach(), group, counts).to(self.features.dtype)
        count, size = len(arriving), len(self.features)
        # Writing a row twice in one call would leave to chance which of the two stays.
        kept = torch.arange(max(0, count - size), count, device=self.features.device)
        self.features[(self.position + kept) % size] = arriving[kept]
        self.position.add_(count).remainder_(size)

    @torch.no_grad()
    def nearest(self, queries: Tensor) -> Tensor:
        """For each query `[N, D]`, of any length, the row of the queue that is nearest to it by cosine, `[N, D]`.

        Rows must be unit vectors, as they are where unit vectors were put in.
        """
        return self.features[(queries.to(self.features.dtype) @ self.features.T).argmax(dim=1)]

    def extra_repr(self) -> str:
        """Size and dimension, for printing."""
        size, dim = self.features.shape
        return f"size={size}, dim={dim}"


def _random(size: int, dim: int) -> Tensor:
    generator = derive_generator("queue", size, dim)
    return normalize(torch.randn(size, dim, generator=generator), dim=1)
