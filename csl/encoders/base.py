"""What every encoder is: a module that says how long its features are and is held to it."""

from typing import Any

from torch import Tensor, nn

from csl.checks import check_positive


class Encoder(nn.Module):
    """Base of all encoders; a subclass implements `forward`, images `[B, C, H, W]` to features `[B, D]`.

    Every call checks what goes in and what comes out.

    Args:
        feature_dim: Length of a feature vector, D.
        in_channels: Channels of an image, C: 3 for colour, 1 for grey.

    Raises:
        ValueError: If a size is not positive, images are not float `[B, C, H, W]`, or `forward` returns anything but
            `[B, D]`.

    Example:
        >>> import torch
        >>> class Mean(Encoder):
        ...     def forward(self, images):
        ...         return images.mean(dim=(2, 3))
        >>> Mean(feature_dim=3)(torch.zeros(4, 3, 8, 8)).shape
        torch.Size([4, 3])
    """

    def __init__(self, feature_dim: int, in_channels: int = 3) -> None:
        super().__init__()
        check_positive(feature_dim=feature_dim, in_channels=in_channels)
        self.feature_dim = feature_dim
        self.in_channels = in_channels

    def __call__(self, images: Tensor) -> Tensor:
        """Encode images `[B, C, H, W]` as features `[B, D]`."""
        self._check_images(images)
        features: Any = super().__call__(images)
        expected = (len(images), self.feature_dim)
        if not isinstance(features, Tensor) or features.shape != expected:
            got = list(features.shape) if isinstance(features, Tensor) else type(features).__name__
            raise ValueError(f"{type(self).__name__}.forward: expected features of shape {list(expected)}, got {got}")
        return features

    def forward(self, images: Tensor) -> Tensor:
        """Encode images `[B, C, H, W]` as features `[B, D]`; to be implemented by the subclass."""
        raise NotImplementedError(f"{type(self).__name__} does not implement forward(images)")

    def _check_images(self, images: Tensor) -> None:
        if images.ndim != 4 or images.shape[1] != self.in_channels or 0 in images.shape[2:]:
            raise ValueError(
                f"images: expected shape [B, {self.in_channels}, H, W] for {type(self).__name__}"
                f"(in_channels={self.in_channels}), got {list(images.shape)}"
            )
        if not images.is_floating_point():
            raise ValueError(f"images: expected a floating-point type, got {images.dtype}")
