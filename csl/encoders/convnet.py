"""A small convolutional net for very small images."""

from collections.abc import Mapping
from typing import ClassVar, Unpack

from torch import Tensor, nn

from csl.checks import check_positive
from csl.encoders.base import Encoder, EncoderOptions


class ConvNet(Encoder):
    """Four 3×3 convolutions, each with batch norm and ReLU, the second and fourth of stride 2; mean over positions.

    Made for 8×8 digits on a CPU: the default has 0.1 million parameters and 128 features, and works at any size.
    Its maps are those of the last convolution; layers that can be measured are `layers.0` to `layers.3`.

    Args:
        width: Channels of the first convolution; each further one doubles them, so features have `8 * width`.
        in_channels: Channels of an image.
        options: `mean`, `std`, `layers` and `weights`, as of every `Encoder`.

    Example:
        >>> import torch
        >>> ConvNet(width=16, in_channels=1)(torch.zeros(4, 1, 8, 8)).shape
        torch.Size([4, 128])
    """

    local_layers: ClassVar[tuple[str, ...]] = ("layers.2", "layers.1")

    def __init__(self, width: int = 16, in_channels: int = 3, **options: Unpack[EncoderOptions]) -> None:
        check_positive(width=width)
        super().__init__(8 * width, in_channels, **options)
        channels = [in_channels, width, 2 * width, 4 * width, 8 * width]
        self.layers = nn.Sequential(
            *(_layer(channels[i], channels[i + 1], stride=1 + i % 2) for i in range(4)),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.complete()

    def sizes(self, weights: Mapping[str, Tensor]) -> dict[str, int | str]:
        """Width and channels, from the shape of the first convolution."""
        first = weights.get("layers.0.0.weight")
        return {} if first is None else {"width": first.shape[0], "in_channels": first.shape[1]}

    def forward(self, images: Tensor) -> Tensor:
        """Encode normalised images `[B, C, H, W]` as features `[B, 8 * width]`."""
        features: Tensor = self.layers(images)
        return features

    def forward_maps(self, images: Tensor) -> Tensor:
        """Encode normalised images `[B, C, H, W]` as maps `[B, 8 * width, H / 4, W / 4]`, sides rounded up."""
        maps: Tensor = self.layers[:4](images)
        return maps


def _layer(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    convolution = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(convolution, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))
