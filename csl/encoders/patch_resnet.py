"""A residual network that sees an image in overlapping patches, one by one."""

from collections.abc import Mapping
from typing import Literal, Unpack

from torch import Tensor

from csl.checks import check_positive
from csl.encoders.base import Encoder, EncoderOptions
from csl.encoders.form import checked
from csl.encoders.resnet import ResNet, layers_of

_LARGE = 32  # pixels of a patch, above which it has the stem for large images
_SMALLEST = 4  # pixels of a patch
_NETWORK = "network."


class PatchResNet(Encoder):
    """A `ResNet` with layer norm for each of the patches of an image, which overlap by half.

    Maps hold a vector for each patch, that network's features; features are their mean. With layer norm, and without
    what lies around it, a patch's vector knows of no other patch. For patches below 8 pixels the last stages, which
    would have nothing left to halve, are left out. So are pixels at the right and lower edge that fill no whole patch.
    Layers cannot be measured: theirs are outputs of patches, not of images.

    From Data-Efficient Image Recognition with Contrastive Predictive Coding, 2019, arXiv 1905.09272, which has 7×7
    patches of 64 pixels.

    Args:
        depth: Of the network, see `ResNet`.
        stem: Likewise. If not given, `imagenet` for patches above 32 pixels and `small` for others.
        width: Likewise.
        patch_size: Height and width of a patch, in pixels, an even number; if not given, a quarter of the image,
            rounded up, and at least 4 pixels.
        in_channels: Channels of an image.
        image_size: Height and width of the images, in pixels, which decide the patches where they are not given; images
            of another size are taken, too. `csl fit` says those of the data.
        options: `mean`, `std`, `layers` and `weights`, as of every `Encoder`.

    Attributes:
        patch_size: Pixels in a row of a patch.
        grid: How many patches there are in a row of an image of `image_size` pixels.

    Raises:
        ValueError: If `ResNet` refuses an argument, or a patch is odd or larger than an image.

    Example:
        >>> import torch
        >>> encoder = PatchResNet(depth=10, width=4, image_size=32)
        >>> encoder.patch_size, encoder.maps(torch.zeros(2, 3, 32, 32)).shape
        (8, torch.Size([2, 32, 7, 7]))
    """

    def __init__(
        self,
        depth: int = 18,
        stem: Literal["small", "imagenet"] | None = None,
        width: int = 64,
        patch_size: int | None = None,
        in_channels: int = 3,
        image_size: int = 32,
        **options: Unpack[EncoderOptions],
    ) -> None:
        check_positive(image_size=image_size)
        size = max(_SMALLEST, -(-image_size // 8) * 2) if patch_size is None else patch_size
        if size < 2 or size % 2 or size > image_size:
            raise ValueError(f"patch_size: expected an even number of at most {image_size} pixels, got {size}")
        resnet = ResNet(depth, stem or ("imagenet" if size > _LARGE else "small"), width, in_channels, norm="layer")
        left_out = max(0, 4 - size.bit_length())  # a stage halves what the one before it gives; the first does not
        super().__init__(resnet.feature_dim // 2**left_out, in_channels, **options)
        layers = layers_of(resnet)
        self.network = layers[: len(layers) - left_out]
        self.patch_size = self.smallest_size = size
        self.native_size = image_size
        self.grid = (image_size - size) // (size // 2) + 1
        self.complete()

    def sizes(self, weights: Mapping[str, Tensor]) -> dict[str, int | str]:
        """Depth, stem, width and channels of the network, from the shapes of its weights."""
        own = {name.removeprefix(_NETWORK): value for name, value in weights.items()}
        return ResNet(depth=10, width=1).sizes(own)

    def forward(self, images: Tensor) -> Tensor:
        """Encode normalised images `[B, C, H, W]` as features `[B, D]`, the mean over patches."""
        return self.forward_maps(images).mean(dim=(2, 3))

    def forward_maps(self, images: Tensor) -> Tensor:
        """Encode normalised images `[B, C, H, W]` as maps `[B, D, h, w]`, a vector for each patch."""
        return self._encoded(self.cut(images))

    def cut(self, images: Tensor) -> Tensor:
        """The patches `[B, h, w, C, S, S]` of images `[B, C, H, W]`; nothing is copied.

        Example:
            >>> import torch
            >>> PatchResNet(depth=10, width=4, patch_size=4).cut(torch.zeros(2, 3, 8, 8)).shape
            torch.Size([2, 3, 3, 3, 4, 4])
        """
        size, step = self.patch_size, self.patch_size // 2
        return images.unfold(2, size, step).unfold(3, size, step).permute(0, 2, 3, 1, 4, 5)

    def maps_of(self, patches: Tensor) -> Tensor:
        """Encode patches `[B, h, w, C, S, S]` in [0, 1] as maps `[B, D, h, w]`: where they were changed before.

        Raises:
            ValueError: If patches have another form.

        Example:
            >>> import torch
            >>> encoder, images = PatchResNet(depth=10, width=4, patch_size=4), torch.rand(2, 3, 8, 8)
            >>> bool((encoder.maps_of(encoder.cut(images)) == encoder.maps(images)).all())
            True
        """
        size = self.patch_size
        checked(patches, ("B", "h", "w", self.in_channels, size, size), "patches", "patches")
        return self._encoded(self.normalized(patches))

    def _encoded(self, patches: Tensor) -> Tensor:
        vectors: Tensor = self.network(patches.flatten(0, 2)).mean(dim=(2, 3))
        return vectors.view(*patches.shape[:3], -1).permute(0, 3, 1, 2)
