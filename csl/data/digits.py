"""Handwritten digits that come with scikit-learn: real images that need no download."""

from typing import ClassVar

import torch

from csl.data.images import ImageTensor
from csl.data.source import ImageSource, ImageSplits, hold_out

_HELD_OUT = 397


class Digits(ImageSource):
    """1,797 handwritten digits of 8×8 grey pixels (test set of Alpaydin and Kaynak, 1998): 1,400 train, 397 held out.

    Args:
        seed: Seeds the stratified split.

    Example:
        >>> splits = Digits().load()
        >>> len(splits.train), len(splits.val)
        (1400, 397)
    """

    # Of all 1,797 images.
    mean: tuple[float, ...] = (0.305,)
    std: tuple[float, ...] = (0.376,)
    mirror: ClassVar[bool] = False

    def __init__(self, seed: int = 0) -> None:
        super().__init__([str(digit) for digit in range(10)], num_channels=1, native_size=8)
        self.seed = seed

    def load(self) -> ImageSplits:
        """The two sets, in memory."""
        from sklearn.datasets import load_digits

        digits = load_digits()
        levels = torch.from_numpy(digits.images)  # 0 to 16
        images = (levels * (255 / 16)).round().to(torch.uint8).unsqueeze(1)
        everything = ImageTensor(images, torch.from_numpy(digits.target))
        train, val = hold_out("Digits", everything, _HELD_OUT / len(images), self.seed)
        words = f"{_HELD_OUT} images, the same share of every class, drawn with seed {self.seed}"
        return ImageSplits(train, train, val, held_out=words)
