"""A memory of all training images, in which a method finds each image's entry among all, or among some of them."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from csl.checks import check_range, check_share, check_temperature
from csl.distributed import world
from csl.losses import in_full_precision, npid_normalizer, npid_sampled_loss
from csl.methods.run import run_seed
from csl.modules import FeatureBank
from csl.randomness import derive_generator


class ImageMemory(FeatureBank):
    """A unit vector for each training image, and the loss of finding an image's own among them.

    The softmax is over all entries, which is exact and costs B × N × D operations a step. For sets of millions of
    images `negatives` entries are drawn instead, anew for every step and the same for all images of the batch; the loss
    is then `csl.losses.npid_sampled_loss`, with the normaliser that the first batch gives.

    From Unsupervised Feature Learning via Non-Parametric Instance Discrimination, 2018, arXiv 1805.01978.

    Args:
        dim: Length of a vector, D.
        temperature: T of the loss by drawn entries.
        momentum: How much of its old vector an entry keeps, where its image was in a step.
        negatives: Entries that are drawn for a step (the paper: 4,096); 0 for all, the exact softmax.
        name: Memories of other names begin with other vectors.

    Attributes:
        features: The vectors `[N, D]`; there are none until `resize` says how many images there are.
        normalizer: Z, what the softmax is estimated to divide by `[1]`; 0 before the first batch.

    Raises:
        ValueError: If the temperature or the length is not positive, the momentum is outside 0 to 1, or the number of
            negatives is negative.

    Example:
        >>> from csl.losses import NPIDLoss
        >>> memory = ImageMemory(dim=2)
        >>> memory.resize(3)
        >>> loss, normalizer = memory.find(memory.features[1:], torch.tensor([1, 2]), NPIDLoss(), step=0)
        >>> loss.shape, normalizer
        (torch.Size([]), tensor([0.]))
    """

    normalizer: Tensor

    def __init__(
        self, dim: int, temperature: float = 0.07, momentum: float = 0.5, negatives: int = 0, name: str = "bank"
    ) -> None:
        super().__init__(0, dim, name)
        check_temperature(temperature=temperature)
        check_share(momentum=momentum)
        check_range("negatives", negatives)
        self.temperature, self.momentum, self.negatives = temperature, momentum, negatives
        self.register_buffer("normalizer", torch.zeros(1))
        self._has_normalizer = False

    def resize(self, size: int) -> None:
        """Begin anew for another number of images, with the normaliser of the next batch."""
        if size != len(self.features):
            self.normalizer.zero_()
            self._has_normalizer = False
        super().resize(size)

    def _load_from_state_dict(self, *args: Any) -> None:
        """Ask the loaded state anew whether it holds a normaliser."""
        self._has_normalizer = False
        super()._load_from_state_dict(*args)

    def find(self, features: Tensor, index: Tensor, exact: nn.Module, step: int) -> tuple[Tensor, Tensor]:
        """The loss of finding images' entries, and the normaliser, which `follow` remembers after the step.

        Args:
            features: What the network makes of this process's images `[B, D]`, of any length.
            index: Which images these are `[B]`, int64.
            exact: The loss where no entries are drawn, called with features, vectors `[N, D]` and index.
            step: The number of the optimizer step, from 0.
        """
        if not self.negatives:
            loss = in_full_precision(lambda rows: exact(rows, self.features, index), features)
            return loss, self.normalizer
        drawn = self.drawn(step)
        normalizer = in_full_precision(lambda rows: self._normalizer(rows, drawn), features)
        loss = in_full_precision(
            lambda rows: npid_sampled_loss(rows, self.features, index, drawn, normalizer[0], self.temperature), features
        )
        return loss, normalizer

    def follow(self, index: Tensor, features: Tensor, normalizer: Tensor, counts: Sequence[int] | None) -> None:
        """After a step: move its images' entries, those of all processes, towards their features.

        Args:
            index: Which images `[n]`, int64, each once.
            features: What the network makes of them `[n, D]`, of any length.
            normalizer: That of the step.
            counts: How many rows each process has; asked for if not given.
        """
        self.update(index, features, self.momentum, group=world(), counts=counts)
        self.normalizer.copy_(normalizer)
        self._has_normalizer = bool(self.negatives)

    def drawn(self, step: int) -> Tensor:
        """Numbers of images `[M]`, drawn with replacement for a step, the same on every process."""
        generator = derive_generator("negatives", run_seed(), step)
        drawn = torch.randint(len(self.features), (self.negatives,), generator=generator)
        return drawn.to(self.features.device, non_blocking=True)

    def _normalizer(self, features: Tensor, drawn: Tensor) -> Tensor:
        """That of the first batch, estimated once, or that of a checkpoint, if it holds one."""
        if self._has_normalizer:
            return self.normalizer
        fresh = npid_normalizer(features, self.features, drawn, self.temperature, world())
        return torch.where(self.normalizer > 0, self.normalizer.to(fresh.dtype), fresh)
