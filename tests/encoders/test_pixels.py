import pytest
import torch

from csl.encoders import Pixels


def test_features_are_the_normalised_pixels() -> None:
    encoder = Pixels(in_channels=1, image_size=8)
    encoder.take_window([0.305], [0.376])
    images = torch.rand(2, 1, 8, 8)
    assert torch.equal(encoder(images), ((images - 0.305) / 0.376).flatten(1))
    assert encoder.feature_dim == 64


def test_there_is_nothing_to_train() -> None:
    encoder = Pixels().train()
    assert list(encoder.parameters()) == []
    assert not encoder(torch.rand(2, 3, 32, 32)).requires_grad


def test_another_image_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"images: expected 32 by 32 pixels for Pixels\(image_size=32\), got 8 by 8"):
        Pixels()(torch.zeros(2, 3, 8, 8))


def test_size_must_be_positive() -> None:
    with pytest.raises(ValueError, match="image_size: expected a positive number, got 0"):
        Pixels(image_size=0)
