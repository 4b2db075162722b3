"""Two residual networks side by side, one for lightness and one for colour."""

from collections.abc import Mapping
from typing import Literal, Unpack

import torch
from torch import Tensor

from csl.encoders.base import Encoder, EncoderOptions
from csl.encoders.lab import rgb_to_lab
from csl.encoders.resnet import ResNet, layers_of

_FIRST = "lightness."


class LabResNet(Encoder):
    """A `ResNet` that sees an image's lightness and another that sees its colours; their features are joined.

    The first is given L of the colour space L*a*b*, the second a and b, each about from −1 to 1. A grey image has no
    colours: the second network is given zeros.

    From Contrastive Multiview Coding, 2020, arXiv 1906.05849.

    Args:
        depth: Of both networks, see `ResNet`.
        stem: Likewise.
        width: Likewise, of each network; 32, half the usual one, keeps the features as long as those of one ResNet.
        in_channels: Channels of an image: 3, or 1 for grey.
        image_size: Height and width of the images, in pixels, which decide the stem where it is not given.
        options: `mean`, `std`, `layers` and `weights`, as of every `Encoder`.

    Attributes:
        parts: How many of the features are of lightness, and how many of colour.

    Raises:
        ValueError: If `ResNet` refuses an argument, or an image has neither 1 nor 3 channels.

    Example:
        >>> encoder = LabResNet(depth=10, width=4)
        >>> encoder(torch.zeros(2, 3, 32, 32)).shape, encoder.parts
        (torch.Size([2, 64]), (32, 32))
    """

    def __init__(
        self,
        depth: int = 18,
        stem: Literal["small", "imagenet"] | None = None,
        width: int = 32,
        in_channels: int = 3,
        image_size: int | None = None,
        **options: Unpack[EncoderOptions],
    ) -> None:
        if in_channels not in (1, 3):
            raise ValueError(f"in_channels: expected 3, or 1 for grey images, got {in_channels}")
        lightness, color = (ResNet(depth, stem, width, channels, image_size) for channels in (1, 2))
        super().__init__(lightness.feature_dim + color.feature_dim, in_channels, **options)
        self.lightness, self.color = layers_of(lightness), layers_of(color)
        self.parts = (lightness.feature_dim, color.feature_dim)
        self.complete()

    def sizes(self, weights: Mapping[str, Tensor]) -> dict[str, int | str]:
        """Depth, stem and width of both networks, from the weights of the first."""
        first = {name.removeprefix(_FIRST): value for name, value in weights.items() if name.startswith(_FIRST)}
        found = ResNet(depth=10, width=1).sizes(first)
        return {name: size for name, size in found.items() if name != "in_channels"}

    def forward(self, images: Tensor) -> Tensor:
        """Encode normalised images `[B, C, H, W]` as features `[B, D]`."""
        return self.forward_maps(images).mean(dim=(2, 3))

    def forward_maps(self, images: Tensor) -> Tensor:
        """Encode normalised images `[B, C, H, W]` as maps `[B, D, h, w]`; their mean is the features."""
        lightness, color = self._lab(images)
        return torch.cat([self.lightness(lightness), self.color(color)], dim=1)

    def _lab(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Lightness `[B, 1, H, W]` and colours `[B, 2, H, W]` of normalised images."""
        mean, std = self.mean.view(-1, 1, 1), self.std.view(-1, 1, 1)
        with torch.autocast(images.device.type, enabled=False):
            unit = images.to(torch.promote_types(images.dtype, torch.float32)) * std + mean
            lab = rgb_to_lab(unit.expand(-1, 3, -1, -1)).to(images.dtype)
        color = torch.zeros_like(lab[:, 1:]) if self.in_channels == 1 else lab[:, 1:] / 100
        return lab[:, :1] / 50 - 1, color
