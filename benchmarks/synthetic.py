"""Random images, for measuring how fast they pass: no download, no disk."""

import torch

from csl.data import ImageSource
from csl.data.images import ImageTensor
from csl.data.source import ImageSplits

CLASSES = 10


class Synthetic(ImageSource):
    """Noise in memory, with labels.

    Args:
        num_images: Training images; a tenth as many are held out.
        size: Height and width, in pixels.
    """

    def __init__(self, num_images: int = 10_000, size: int = 32) -> None:
        super().__init__([str(label) for label in range(CLASSES)], num_channels=3, native_size=size)
        self.num_images = num_images

    def load(self) -> ImageSplits:
        """The two sets."""
        train, val = self._noise(self.num_images), self._noise(self.num_images // 10)
        return ImageSplits(train, train, val)

    def _noise(self, count: int) -> ImageTensor:
        generator = torch.Generator().manual_seed(count)
        shape = (count, self.num_channels, self.native_size, self.native_size)
        images = torch.randint(256, shape, generator=generator, dtype=torch.uint8)
        return ImageTensor(images, torch.arange(count) % CLASSES)
