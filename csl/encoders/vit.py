"""Vision transformers, from torchvision's encoder."""

import math

import torch
from torch import Tensor, nn
from torchvision.models.vision_transformer import Encoder as TransformerEncoder

from csl.checks import check_positive
from csl.encoders.base import Encoder


class ViT(Encoder):
    """A vision transformer without its classifier: features are the class token after the last layer's norm.

    The defaults are the network of "How Does Contrastive Learning Organize Images?" for 32×32 images. Usual sizes:

        size     depth   heads   width   mlp_width
        tiny     12      3       192     768
        small    12      6       384     1536
        base     12      12      768     3072

    Parameter names are torchvision's, so that for example its `vit_b_16` weights load into
    `ViT(224, 16, depth=12, heads=12, width=768, mlp_width=3072)`.

    From An Image is Worth 16x16 Words, 2020, arXiv 2010.11929.

    Args:
        image_size: Height and width of every image, in pixels.
        patch_size: Height and width of a patch, in pixels; divides the image size.
        depth: Number of transformer layers.
        heads: Attention heads a layer; divides the width.
        width: Length of a token, and of the features.
        mlp_width: Hidden units of each layer's MLP.
        dropout: Share of the activations dropped in training, after embedding, attention and MLP.
        in_channels: Channels of an image.

    Raises:
        ValueError: If sizes do not divide as said, or images have another size.

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
        in_channels: int = 3,
    ) -> None:
        check_positive(image_size=image_size, patch_size=patch_size, depth=depth, heads=heads)
        check_positive(width=width, mlp_width=mlp_width)
        super().__init__(width, in_channels)
        _check_divides(patch_size=patch_size, image_size=image_size)
        _check_divides(heads=heads, width=width)
        if not 0.0 <= dropout < 1.0:
            raise ValueError(f"dropout: expected a share from 0 to below 1, got {dropout}")
        self.image_size = image_size
        self.conv_proj = _patch_embedding(in_channels, width, patch_size)
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        tokens = (image_size // patch_size) ** 2 + 1
        self.encoder = TransformerEncoder(tokens, depth, heads, width, mlp_width, dropout, attention_dropout=0.0)

    def forward(self, images: Tensor) -> Tensor:
        """Encode images `[B, C, image_size, image_size]` as features `[B, width]`."""
        if images.shape[2:] != (self.image_size, self.image_size):
            got = " by ".join(map(str, images.shape[2:]))
            size = self.image_size
            raise ValueError(f"images: expected {size} by {size} pixels for ViT(image_size={size}), got {got}")
        patches = self.conv_proj(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.class_token.expand(len(images), -1, -1), patches], dim=1)
        features: Tensor = self.encoder(tokens)[:, 0]
        return features


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
