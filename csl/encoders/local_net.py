"""A convolutional network without padding, whose layers see small parts of an image before all of it is seen."""

from collections.abc import Mapping
from typing import ClassVar, Unpack

from torch import Tensor, nn

from csl.checks import check_positive, check_range
from csl.encoders.base import Encoder, EncoderOptions

LARGEST_GRID = 9  # positions in a row of the finest maps
SMALLEST_IMAGE = 7  # pixels; three convolutions of 3×3 fit


class LocalNet(Encoder):
    """Residual blocks without padding, from small parts of an image to the whole one; batch norm on features alone.

    A 3×3 convolution and blocks of stride 2 give maps of at most 9×9 positions, `fine`; a block of 3×3 positions gives
    `coarse`; another one, and a convolution over all positions that are left, the features. For 32 pixels these are 7×7
    positions of which each sees 8×8 pixels, 5×5 that see 16×16, and one. All other convolutions look at one position.

    Padding would tell positions where they are, and batch norm what other positions hold: a method that compares parts
    of an image with each other could be right without looking at what they show. The features, of which an image has
    one vector, have batch norm as in the paper.

    From Learning Representations by Maximizing Mutual Information Across Views, 2019, arXiv 1906.00910, simplified:
    shortcuts are averages of the positions that a block joins, as there, followed by a 1×1 convolution where the number
    of channels changes; the last convolution of each block starts at zero.

    Maps are `coarse`; layers that can be measured are `fine`, `coarse` and `whole`.

    Args:
        width: Channels of the first convolution; blocks of stride 2 double them up to four times as many, and features
            have eight times as many.
        blocks: Residual blocks at each of the scales; all but the first look at one position.
        in_channels: Channels of an image.
        image_size: Height and width of the images, in pixels, at least 7; `csl fit` says those of the data.
        options: `mean`, `std`, `layers` and `weights`, as of every `Encoder`.

    Raises:
        ValueError: If a size is not positive, or images are too small.

    Example:
        >>> import torch
        >>> encoder = LocalNet(width=16, image_size=32)
        >>> features, maps = encoder.features_and_maps(torch.zeros(2, 3, 32, 32), encoder.local_layers)
        >>> features.shape, [tuple(one.shape) for one in maps]
        (torch.Size([2, 128]), [(2, 64, 5, 5), (2, 64, 7, 7)])
    """

    local_layers: ClassVar[tuple[str, ...]] = ("coarse", "fine")

    def __init__(
        self,
        width: int = 64,
        blocks: int = 2,
        in_channels: int = 3,
        image_size: int = 32,
        **options: Unpack[EncoderOptions],
    ) -> None:
        check_positive(width=width, blocks=blocks)
        check_range("image_size", image_size, above=SMALLEST_IMAGE - 1)
        super().__init__(8 * width, in_channels, image_size=image_size, **options)
        side, channels = image_size - 2, width
        parts: list[nn.Module] = [nn.Conv2d(in_channels, width, 3), nn.ReLU(inplace=True)]
        while side > LARGEST_GRID:
            kernel, outputs = 2 + side % 2, min(2 * channels, 4 * width)  # no pixel is left out
            parts.append(_scale(channels, outputs, kernel, 2, blocks))
            side, channels = side // 2, outputs
        self.fine = nn.Sequential(*parts, _scale(channels, 4 * width, 1, 1, 1))
        self.coarse = _scale(4 * width, 4 * width, 3, 1, blocks)
        last = nn.Conv2d(4 * width, 8 * width, side - 4)
        self.whole = nn.Sequential(
            _scale(4 * width, 4 * width, 3, 1, blocks), last, nn.Flatten(), nn.BatchNorm1d(8 * width)
        )
        self.apply(_initialize)
        self.complete()

    def sizes(self, weights: Mapping[str, Tensor]) -> dict[str, int | str]:
        """Width and channels, from the shape of the first convolution."""
        first = weights.get("fine.0.weight")
        return {} if first is None else {"width": first.shape[0], "in_channels": first.shape[1]}

    def forward(self, images: Tensor) -> Tensor:
        """Encode normalised images `[B, C, H, W]` as features `[B, 8 * width]`."""
        features: Tensor = self.whole(self.forward_maps(images))
        return features

    def forward_maps(self, images: Tensor) -> Tensor:
        """Encode normalised images `[B, C, H, W]` as the maps of `coarse`, `[B, 4 * width, h, w]`."""
        maps: Tensor = self.coarse(self.fine(images))
        return maps


class _Block(nn.Module):
    """Joins positions; the shortcut is their average."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, kernel, stride)
        self.conv2 = nn.Conv2d(outputs, outputs, 1)
        channels = nn.Conv2d(inputs, outputs, 1, bias=False) if inputs != outputs else nn.Identity()
        self.shortcut = nn.Sequential(nn.AvgPool2d(kernel, stride), channels)

    def forward(self, maps: Tensor) -> Tensor:
        joined: Tensor = self.shortcut(maps) + self.conv2(self.conv1(maps).relu())
        return joined.relu()


def _scale(inputs: int, outputs: int, kernel: int, stride: int, blocks: int) -> nn.Sequential:
    """A block that joins positions, and others that look at one."""
    return nn.Sequential(
        _Block(inputs, outputs, kernel, stride), *(_Block(outputs, outputs, 1, 1) for _ in range(blocks - 1))
    )


def _initialize(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    if isinstance(module, _Block):
        nn.init.zeros_(module.conv2.weight)
