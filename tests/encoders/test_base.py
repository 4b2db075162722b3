import pytest
import torch
from torch import Tensor

from csl.encoders import Encoder


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


def test_compiled_calls_are_checked_too() -> None:
    encoder = _Wrong(feature_dim=5)
    encoder.compile(backend="eager")
    with pytest.raises(ValueError, match="expected features of shape"):
        encoder(torch.zeros(2, 3, 4, 4))


def test_an_image_size_that_is_insisted_on() -> None:
    encoder = _Wrong(feature_dim=3, image_size=4)
    assert (encoder.image_size, encoder.native_size) == (4, 4)
    with pytest.raises(ValueError, match=r"images: expected 4 by 4 pixels for _Wrong\(image_size=4\), got 4 by 5"):
        encoder(torch.zeros(2, 3, 4, 5))
    with pytest.raises(ValueError, match="image_size: expected a positive number, got 0"):
        Encoder(3, image_size=0)


def test_images_are_not_changed_by_a_network_that_works_in_place() -> None:
    class InPlace(Encoder):
        def forward(self, images: Tensor) -> Tensor:
            return images.mul_(2.0).mean(dim=(2, 3))

    images = torch.rand(2, 3, 4, 4)
    before = images.clone()
    InPlace(feature_dim=3)(images)
    assert torch.equal(images, before)


class _Maps(Encoder):
    def forward_maps(self, images: Tensor) -> Tensor:
        return images.flatten(2)

    def forward_tokens(self, images: Tensor, keep: Tensor | None) -> Tensor:
        return images


def test_wrong_maps_and_tokens_are_named() -> None:
    with pytest.raises(
        ValueError, match=r"_Maps.forward_maps: expected maps of shape \[2, D, h, w\], got \[2, 3, 16\]"
    ):
        _Maps(3).maps(torch.zeros(2, 3, 4, 4))
    with pytest.raises(
        ValueError, match=r"_Maps.forward_tokens: expected tokens of shape \[2, N, D\], got \[2, 3, 4, 4\]"
    ):
        _Maps(3).tokens(torch.zeros(2, 3, 4, 4))


@pytest.mark.parametrize(("word", "which"), [("maps", "ConvNet, ResNet, ViT or most"), ("tokens", "ViT or a vision")])
def test_an_encoder_without_maps_says_which_have_them(word: str, which: str) -> None:
    with pytest.raises(ValueError, match=rf"encoder: expected one with {word}, such as {which} .* of Timm, got _Wrong"):
        getattr(_Wrong(3), word)(torch.zeros(2, 3, 4, 4))
