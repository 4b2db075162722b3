from typing import Any

import pytest
import torch
from torch import nn

from csl.encoders import LocalNet


def _seen(maps: torch.Tensor, images: torch.Tensor, row: int, column: int) -> tuple[slice, slice]:
    """The smallest box of pixels that holds all that a position of the maps depends on."""
    (slope,) = torch.autograd.grad(maps[:, :, row, column].sum(), images, retain_graph=True)
    rows, columns = slope.abs().sum(dim=(0, 1)).nonzero().unbind(dim=1)
    return slice(int(rows.min()), int(rows.max()) + 1), slice(int(columns.min()), int(columns.max()) + 1)


def _encoder(size: int = 32) -> LocalNet:
    """With last convolutions that are not zero any more, as in training."""
    torch.manual_seed(0)
    encoder = LocalNet(width=4, image_size=size)
    for name, parameter in encoder.named_parameters():
        if name.endswith("conv2.weight"):
            nn.init.normal_(parameter, std=0.1)
    return encoder


@pytest.mark.parametrize(
    ("size", "fine", "coarse"),
    [(32, (7, 8), (5, 16)), (8, (6, 3), (4, 5)), (64, (7, 16), (5, 32)), (96, (5, 32), (3, 64))],
)
def test_positions_see_parts_of_an_image(size: int, fine: tuple[int, int], coarse: tuple[int, int]) -> None:
    encoder, images = _encoder(size).eval(), torch.rand(1, 3, size, size, requires_grad=True)
    features, maps = encoder.features_and_maps(images, ["fine", "coarse"])
    for one, (side, pixels) in zip(maps, (fine, coarse), strict=True):
        assert one.shape == (1, 16, side, side)
        assert _seen(one, images, 0, 0) == (slice(0, pixels), slice(0, pixels))
    (slope,) = torch.autograd.grad(features.sum(), images)
    assert slope.abs().sum(dim=1).bool().float().mean() > 0.9, "features see the whole image"


def test_positions_do_not_know_where_they_are() -> None:
    encoder, images = _encoder(), torch.rand(2, 3, 32, 32)
    moved = images.roll(4, dims=3)  # as far as neighbouring positions of the maps are apart
    torch.testing.assert_close(encoder.fine(moved)[:, :, :, 1:], encoder.fine(images)[:, :, :, :-1])


def test_no_place_knows_of_another_image() -> None:
    encoder, images = _encoder().train(), torch.rand(4, 3, 32, 32)
    _, maps = encoder.features_and_maps(images, ["fine", "coarse"])
    _, fewer = encoder.features_and_maps(images[:2], ["fine", "coarse"])
    for one, other in zip(maps, fewer, strict=True):
        torch.testing.assert_close(one[:2], other)


def test_features_have_batch_norm() -> None:
    features = _encoder().train()(torch.rand(16, 3, 1, 1).expand(-1, -1, 32, 32))
    torch.testing.assert_close(features.mean(dim=0), torch.zeros(32), rtol=0, atol=1e-5)
    torch.testing.assert_close(features.std(dim=0, correction=0), torch.ones(32), rtol=0, atol=0.05)


def test_it_is_small() -> None:
    assert sum(parameter.numel() for parameter in LocalNet().parameters()) == 3_505_408


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 0}, "width: expected a positive number, got 0"),
        ({"blocks": 0}, "blocks: expected a positive number, got 0"),
        ({"image_size": 6}, "image_size: expected a number above 6 and finite, got 6"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LocalNet(**options)


def test_sizes_are_read_off_weights() -> None:
    weights = LocalNet(width=4, in_channels=1).state_dict()
    assert LocalNet(width=2).sizes(weights) == {"width": 4, "in_channels": 1}
