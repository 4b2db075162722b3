"""Images of several sizes, held in memory."""

from collections.abc import Sequence
from typing import ClassVar, Self

import torch
from torch import Tensor

from csl.data.canvas import on_canvas
from csl.data.images import ImageSet
from csl.types import RawBatch


class HeldImages(ImageSet):
    """A set of decoded images, each of its own size.

    Args:
        images: uint8 `[C, h, w]`, of one number of channels.
        labels: Class indices `[N]`; -1 where an image has no label.

    Example:
        >>> sizes = [(4, 6), (5, 2)]
        >>> held = HeldImages([torch.zeros(3, *size, dtype=torch.uint8) for size in sizes], torch.arange(2))
        >>> held.__getitems__([1, 0]).sizes.tolist()
        [[5, 2], [4, 6]]
    """

    in_memory: ClassVar[bool] = True

    def __init__(self, images: Sequence[Tensor], labels: Tensor) -> None:
        self.labels = labels.long()
        self._images = list(images)

    def __getitems__(self, positions: Sequence[int]) -> RawBatch:
        index = torch.as_tensor(positions, dtype=torch.int64)
        images, sizes = on_canvas([self._images[position] for position in index.tolist()])
        return RawBatch(images, self.labels[index], index, sizes)

    def images(self, positions: Tensor) -> Tensor:
        """The images at some positions `[B]`, uint8 `[B, C, H, W]`: each in the upper left of its place."""
        return on_canvas([self._images[position] for position in positions.tolist()])[0]

    def select(self, positions: Tensor) -> Self:
        """The set of the images at some positions `[M]`, in that order."""
        return type(self)([self._images[position] for position in positions.tolist()], self.labels[positions])
