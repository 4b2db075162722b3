import pytest
import torch
from torch import Tensor

from csl.encoders import ConvNet, Encoder, ResNet, Timm, ViT


class _Wrong(Encoder):
    def forward(self, images: Tensor) -> Tensor:
        return images.mean(dim=(2, 3))


class _Tuple(Encoder):
    def forward(self, images: Tensor) -> Tensor:
        return (images,)  # type: ignore[return-value]


def test_wrong_feature_dim_is_named() -> None:
    with pytest.raises(ValueError, match=r"_Wrong.forward: expected features of shape \[2, 5\], got \[2, 3\]"):
        _Wrong(feature_dim=5)(torch.zeros(2, 3, 4, 4))


def test_other_than_a_tensor_is_named() -> None:
    with pytest.raises(ValueError, match="got tuple"):
        _Tuple(feature_dim=5)(torch.zeros(2, 3, 4, 4))


def test_forward_must_be_implemented() -> None:
    with pytest.raises(NotImplementedError, match="Encoder does not implement forward"):
        Encoder(feature_dim=5)(torch.zeros(2, 3, 4, 4))


@pytest.mark.parametrize("shape", [(2, 1, 4, 4), (3, 4, 4), (2, 3, 0, 4), (2, 4, 4, 3)])
def test_wrong_image_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"images: expected shape \[B, 3, H, W\] for _Wrong\(in_channels=3\), got"):
        _Wrong(feature_dim=3)(torch.zeros(shape))


def test_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected a floating-point type, got torch.uint8"):
        _Wrong(feature_dim=3)(torch.zeros(2, 3, 4, 4, dtype=torch.uint8))


@pytest.mark.parametrize(("feature_dim", "in_channels", "name"), [(0, 3, "feature_dim"), (3, 0, "in_channels")])
def test_sizes_must_be_positive(feature_dim: int, in_channels: int, name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: expected a positive number, got 0"):
        Encoder(feature_dim, in_channels)


@pytest.mark.parametrize("in_channels", [1, 3, 4])
def test_every_encoder_takes_in_channels(in_channels: int) -> None:
    encoders: list[Encoder] = [
        ConvNet(width=2, in_channels=in_channels),
        ResNet(depth=10, width=2, in_channels=in_channels),
        ViT(8, 4, depth=1, heads=1, width=8, mlp_width=8, in_channels=in_channels),
    ]
    for encoder in encoders:
        assert encoder(torch.zeros(2, in_channels, 8, 8)).shape == (2, encoder.feature_dim)


def test_compiled_calls_are_checked_too() -> None:
    encoder = _Wrong(feature_dim=5)
    encoder.compile(backend="eager")
    with pytest.raises(ValueError, match="expected features of shape"):
        encoder(torch.zeros(2, 3, 4, 4))


def test_timm_is_exported() -> None:
    assert issubclass(Timm, Encoder)
