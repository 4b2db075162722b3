"""MAE: a vision transformer sees a quarter of an image's patches, and a small decoder paints the others."""

import math
from typing import ClassVar

import torch
from torch import Tensor, nn

from csl.checks import check_positive, check_range
from csl.encoders import Encoder, Network
from csl.losses import MAELoss, in_full_precision
from csl.methods.base import Method
from csl.methods.optimization import Optimization
from csl.methods.run import run_seed
from csl.methods.usual import Usual
from csl.modules import grid_positions
from csl.randomness import noise_of
from csl.types import Batch, View

RECIPE = Optimization("adamw", lr=1.5e-4, weight_decay=0.05)
HEADS = 8


class MAE(Method):
    """Masked autoencoding, the generative reference.

    The encoder is given the patches that are not hidden, and a decoder of a few transformer blocks its tokens, with a
    learned one in the place of each hidden patch. The loss (`csl.losses.mae_loss`) is of the hidden patches' pixels,
    each patch brought to mean 0 and variance 1. Which patches of an image are hidden is drawn anew for every step.

    Features are those of the whole image, as of any method: of a `ViT`, the class token, or the mean over patches with
    its `pooling: mean`. They are known to be good to start from and bad as they are: expect low kNN accuracies. The
    paper only crops and mirrors images; what is done to colours here is the data's augmentation.

    From Masked Autoencoders Are Scalable Vision Learners, 2021, arXiv 2111.06377.

    Args:
        encoder: The network to be trained and studied, one with tokens, for images of one size; `csl fit` takes a `ViT`
            without dropout that gives the mean over patches if none is named.
        mask_ratio: Share of the patches that are hidden; at least one is hidden, and one is not.
        decoder_depth: Transformer blocks of the decoder.
        hidden_dim: Length of the decoder's tokens, a multiple of 8, the number of its attention heads; if not given,
            half that of the encoder's tokens, rounded down, and at least 8. In the paper 512 for tokens of 1,024.
        loss: Called with predictions and hidden patches `[B, M, P]` in place of `MAELoss()`.
        optimization: Optimizer and learning-rate schedule.

    Raises:
        ValueError: If the encoder has no tokens, cannot leave patches out, or is for images of any size, the share is
            not between 0 and 1, or a size is not positive or not such a multiple.

    Example:
        >>> from csl.encoders import ViT
        >>> mae = MAE(ViT(image_size=32, patch_size=4, depth=1, heads=2, width=16, mlp_width=16))
        >>> mae.patches, mae.visible
        (64, 16)
    """

    views: tuple[View, ...] = (View(),)
    usual: ClassVar[Usual] = Usual(encoder="ViT", options={"dropout": 0.0, "pooling": "mean"})
    positions: Tensor

    def __init__(
        self,
        encoder: Network,
        mask_ratio: float = 0.75,
        decoder_depth: int = 2,
        hidden_dim: int | None = None,
        loss: nn.Module | None = None,
        optimization: Optimization = RECIPE,
    ) -> None:
        super().__init__(encoder, optimization)
        check_range("mask_ratio", mask_ratio, above=0.0, below=1.0)
        self.patches, width, side = _grid(self.encoder)
        if hidden_dim is None:
            hidden_dim = max(HEADS, width // 2 // HEADS * HEADS)
        check_positive(decoder_depth=decoder_depth, hidden_dim=hidden_dim)
        if hidden_dim % HEADS:
            raise ValueError(f"hidden_dim: expected a multiple of {HEADS}, got {hidden_dim}")
        self.visible = min(max(1, round(self.patches * (1 - mask_ratio))), self.patches - 1)
        pixels = self.encoder.in_channels * side**2
        self.embedding = nn.Linear(width, hidden_dim)
        self.mask_token = nn.Parameter(torch.zeros(hidden_dim).normal_(std=0.02))
        self.register_buffer("positions", grid_positions(math.isqrt(self.patches), hidden_dim), persistent=False)
        blocks = [
            nn.TransformerEncoderLayer(
                hidden_dim, HEADS, 4 * hidden_dim, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
            )
            for _ in range(decoder_depth)
        ]
        self.decoder = nn.Sequential(*blocks, nn.LayerNorm(hidden_dim), nn.Linear(hidden_dim, pixels))
        self.loss = loss or MAELoss()

    def training_loss(self, batch: Batch) -> Tensor:
        """The loss above, for this process's images."""
        (view,) = batch.views
        if tuple(view.shape[2:]) != (size := self.encoder.native_size, size):
            raise ValueError(
                f"batch.views: expected images of {size} by {size} pixels, for which the encoder was made, got "
                f"{view.shape[2]} by {view.shape[3]}; set --data.image_size {size}, or make the encoder for these"
            )
        order = noise_of(batch.index, self.patches, "mask", run_seed(), self.global_step).argsort(dim=1)
        hidden = order[:, self.visible :]
        predictions = self._decoded(self.encoder.tokens(view, order[:, : self.visible]), order)
        targets = _cut(view, math.isqrt(self.patches)).gather(1, hidden[:, :, None].expand_as(predictions))
        return in_full_precision(self.loss, predictions, targets)

    def _decoded(self, tokens: Tensor, order: Tensor) -> Tensor:
        """Predictions `[B, M, P]` of the hidden patches, from tokens of the others, which come first in `order`."""
        embedded = self.embedding(tokens)
        masked = self.mask_token.to(embedded.dtype).expand(len(tokens), self.patches - self.visible, -1)
        prefix = self.encoder.prefix_tokens
        placed = torch.cat([embedded[:, prefix:], masked], dim=1) + self.positions[order]
        decoded: Tensor = self.decoder(torch.cat([embedded[:, :prefix], placed], dim=1))
        return decoded[:, prefix + self.visible :]


def _grid(encoder: Encoder) -> tuple[int, int, int]:
    """How many patches an image has, how long a token is, and the height and width of a patch in pixels."""
    size, was_training = encoder.native_size, encoder.training
    if size is None:
        raise ValueError(f"encoder: expected one for images of one size, such as ViT, got {type(encoder).__name__}")
    images = torch.zeros(1, encoder.in_channels, size, size)
    with torch.no_grad():
        patches = encoder.eval().tokens(images).shape[1] - encoder.prefix_tokens
        width = encoder.tokens(images, torch.tensor([[0]])).shape[2]
    encoder.train(was_training)
    if patches < 2:
        raise ValueError(f"encoder: expected at least 2 patches in an image of {size} pixels, got {patches}")
    return patches, width, size // math.isqrt(patches)


def _cut(images: Tensor, grid: int) -> Tensor:
    """Images as patches `[B, N, P]`, row by row, without what fills no whole patch."""
    side = images.shape[-1] // grid
    columns = nn.functional.unfold(images, side, stride=side)
    return columns.transpose(1, 2)
