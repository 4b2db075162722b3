"""Raw pixels as features: what any encoder has to beat."""

from typing import Unpack

from torch import Tensor

from csl.checks import check_positive
from csl.encoders.base import Encoder, EncoderOptions


class Pixels(Encoder):
    """Every pixel of every channel is a feature, normalised by `mean` and `std`; there is nothing to train.

    To be measured, not trained: `csl validate --model.encoder Pixels`.

    Args:
        in_channels: Channels of an image.
        image_size: Height and width that images must have, in pixels.
        options: `mean` and `std`, as of every `Encoder`.

    Example:
        >>> import torch
        >>> Pixels(in_channels=1, image_size=2)(torch.tensor([[[[0.1, 0.2], [0.3, 0.4]]]]))
        tensor([[0.1000, 0.2000, 0.3000, 0.4000]])
    """

    def __init__(self, in_channels: int = 3, image_size: int = 32, **options: Unpack[EncoderOptions]) -> None:
        check_positive(image_size=image_size)
        super().__init__(in_channels * image_size**2, in_channels, image_size=image_size, **options)
        self.complete()

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images `[B, C, H, W]` as vectors `[B, C H W]`."""
        return images.flatten(1)
