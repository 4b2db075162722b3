"""Vision transformers, from torchvision's encoder."""

import math
from collections.abc import Mapping
from typing import Literal, Unpack, get_args

import torch
from torch import Tensor, nn
from torchvision.models.vision_transformer import Encoder as TransformerEncoder

from csl.checks import check_positive
from csl.encoders.base import Encoder, EncoderOptions
from csl.encoders.positions import kept_patches, on_grid, resized_positions

Pooling = Literal["cls", "mean"]


class ViT(Encoder):
    """A vision transformer without its classifier: features are the class token after the last layer's norm.

    The defaults are the network of "How Does Contrastive Learning Organize Images?" for 32×32 images. Usual sizes:

        size     depth   heads   width   mlp_width
        tiny     12      3       192     768
        small    12      6       384     1536
        base     12      12      768     3072

    Parameter names are torchvision's, so that for example its `vit_b_16` weights load into
    `ViT(224, 16, depth=12, heads=12, width=768, mlp_width=3072)`.

    Images of another size are taken, too: positions are interpolated, see `resized_positions`. Pixels at the right and
    lower edge that fill no whole patch are left out.

    Tokens are the class token, then one per patch, row by row; maps are the patches' tokens at their places. Layers
    that can be measured are `encoder.layers.encoder_layer_0` and so on; of each, the mean over patches is taken.

    From An Image is Worth 16x16 Words, 2020, arXiv 2010.11929.

    Args:
        image_size: Height and width of the images that the network is made for, in pixels.
        patch_size: Height and width of a patch, in pixels; divides the image size.
        depth: Number of transformer layers.
        heads: Attention heads a layer; divides the width.
        width: Length of a token, and of the features.
        mlp_width: Hidden units of each layer's MLP.
        dropout: Share of the activations dropped in training, after embedding, attention and MLP.
        pooling: "cls" for the class token as features, "mean" for the mean over patches instead. Methods that train
            patches only, as MAE does, need not tell the class token what an image shows.
        in_channels: Channels of an image.
        options: `mean`, `std`, `layers` and `weights`, as of every `Encoder`.

    Raises:
        ValueError: If sizes do not divide as said, an image is smaller than a patch, or pooling is another.

    Example:
        >>> vit = ViT(image_size=8, patch_size=4, depth=2, heads=2, width=16, mlp_width=32)
        >>> vit(torch.zeros(2, 3, 8, 8)).shape
        torch.Size([2, 16])
    """

    def __init__(
        self,
        image_size: int = 32,
        patch_size: int = 4,
        depth: int = 16,
        heads: int = 8,
        width: int = 512,
        mlp_width: int = 1536,
        dropout: float = 0.2,
        pooling: Pooling = "cls",
        in_channels: int = 3,
        **options: Unpack[EncoderOptions],
    ) -> None:
        check_positive(image_size=image_size, patch_size=patch_size, depth=depth, heads=heads)
        check_positive(width=width, mlp_width=mlp_width)
        super().__init__(width, in_channels, **options)
        _check_divides(patch_size=patch_size, image_size=image_size)
        _check_divides(heads=heads, width=width)
        if not 0.0 <= dropout < 1.0:
            raise ValueError(f"dropout: expected a share from 0 to below 1, got {dropout}")
        if pooling not in get_args(Pooling):
            raise ValueError(f"pooling: expected one of {', '.join(get_args(Pooling))}, got {pooling!r}")
        self.native_size, self.prefix_tokens, self.pooling = image_size, 1, pooling
        self.patch_size = self.smallest_size = patch_size
        self.conv_proj = _patch_embedding(in_channels, width, patch_size)
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        tokens = (image_size // patch_size) ** 2 + 1
        self.encoder = TransformerEncoder(tokens, depth, heads, width, mlp_width, dropout, attention_dropout=0.0)
        self.complete()

    def sizes(self, weights: Mapping[str, Tensor]) -> dict[str, int | str]:
        """Sizes of a vision transformer, from the shapes of its weights; all but the number of heads."""
        if not {"patch_embed.proj.weight", "pos_embed", "blocks.0.mlp.fc1.weight"} <= weights.keys():
            return super().sizes(weights)
        width, in_channels, patch_size, _ = weights["patch_embed.proj.weight"].shape
        return {
            "image_size": patch_size * math.isqrt(weights["pos_embed"].shape[1] - 1),
            "patch_size": patch_size,
            "depth": len({name.split(".")[1] for name in weights if name.startswith("blocks.")}),
            "width": width,
            "mlp_width": weights["blocks.0.mlp.fc1.weight"].shape[0],
            "in_channels": in_channels,
        }

    def forward(self, images: Tensor) -> Tensor:
        """Encode normalised images `[B, C, H, W]` as features `[B, width]`: the class token, or the mean of patches."""
        tokens = self.forward_tokens(images)
        return tokens[:, 0] if self.pooling == "cls" else tokens[:, 1:].mean(dim=1)

    def forward_maps(self, images: Tensor) -> Tensor:
        """Encode normalised images `[B, C, H, W]` as maps `[B, width, H / patch_size, W / patch_size]`."""
        height, width = (side // self.patch_size for side in images.shape[2:])
        return on_grid(self.forward_tokens(images)[:, 1:], height, width)

    def forward_tokens(self, images: Tensor, keep: Tensor | None = None) -> Tensor:
        """Encode normalised images `[B, C, H, W]` as tokens `[B, 1 + N, width]`; `keep` `[B, M]` as in `tokens`."""
        patches = self.conv_proj(images)
        positions = resized_positions(self.encoder.pos_embedding, *patches.shape[2:])
        tokens = torch.cat([self.class_token.expand(len(images), -1, -1), patches.flatten(2).transpose(1, 2)], dim=1)
        tokens = tokens + positions
        if keep is not None:
            tokens = kept_patches(tokens, keep, self.prefix_tokens)
        encoded: Tensor = self.encoder.ln(self.encoder.layers(self.encoder.dropout(tokens)))
        return encoded


def _patch_embedding(in_channels: int, width: int, patch_size: int) -> nn.Conv2d:
    embedding = nn.Conv2d(in_channels, width, patch_size, stride=patch_size)
    nn.init.trunc_normal_(embedding.weight, std=math.sqrt(1 / (in_channels * patch_size**2)))
    if embedding.bias is not None:
        nn.init.zeros_(embedding.bias)
    return embedding


def _check_divides(**sizes: int) -> None:
    (name, divisor), (whole_name, whole) = sizes.items()
    if whole % divisor:
        raise ValueError(f"{name}: expected a divisor of {whole_name}={whole}, got {divisor}")
