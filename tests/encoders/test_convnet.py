import pytest
import torch

from csl.encoders import ConvNet


@pytest.mark.parametrize("size", [8, 5, 28, 1])
def test_any_image_size(size: int) -> None:
    assert ConvNet(width=4)(torch.randn(3, 3, size, size)).shape == (3, 32)


def test_small_enough_for_a_laptop() -> None:
    assert sum(p.numel() for p in ConvNet(in_channels=1).parameters()) == 97_392


def test_width_must_be_positive() -> None:
    with pytest.raises(ValueError, match="width: expected a positive number, got 0"):
        ConvNet(width=0)


def test_features_are_the_mean_over_positions() -> None:
    encoder = ConvNet(width=2).eval()
    images = torch.randn(2, 3, 8, 8)
    maps = encoder.maps(images)
    assert torch.equal(maps, encoder.layers[:4](images))
    assert maps.shape == (2, 16, 2, 2)
    torch.testing.assert_close(encoder(images), maps.mean(dim=(2, 3)))
