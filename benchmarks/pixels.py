"""Raw pixels as features: what any encoder has to beat."""

from torch import Tensor

from csl.encoders import Encoder


class Pixels(Encoder):
    """Every pixel of every channel is a feature; nothing is trained.

    Args:
        in_channels: Channels of the images.
        image_size: Height and width of the images, in pixels.
    """

    def __init__(self, in_channels: int = 3, image_size: int = 32) -> None:
        super().__init__(in_channels * image_size**2, in_channels)

    def forward(self, images: Tensor) -> Tensor:
        """Images `[B, C, H, W]` as vectors `[B, C H W]`."""
        return images.flatten(1)
