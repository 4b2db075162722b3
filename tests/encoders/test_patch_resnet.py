from typing import Any

import pytest
import torch

from csl.encoders import PatchResNet, ResNet
from csl.encoders.resnet import layers_of


def small(**options: Any) -> PatchResNet:
    torch.manual_seed(0)
    return PatchResNet(**({"depth": 10, "width": 4, "image_size": 32} | options))


def test_maps_are_the_networks_features_of_patches_that_overlap_by_half() -> None:
    encoder, images = small().double(), torch.rand(2, 3, 32, 32, dtype=torch.float64)
    maps = encoder.maps(images)
    assert maps.shape == (2, 32, 7, 7)
    for row, column in ((0, 0), (1, 0), (6, 3), (6, 6)):
        patch = images[:, :, 4 * row : 4 * row + 8, 4 * column : 4 * column + 8]
        torch.testing.assert_close(maps[:, :, row, column], encoder.network(patch).mean(dim=(2, 3)))
    torch.testing.assert_close(encoder(images), maps.mean(dim=(2, 3)))


def test_patches_know_of_no_other() -> None:
    encoder, images = small().train(), torch.rand(2, 3, 32, 32)
    other = images.clone()
    other[:, :, 8:] = 0.3
    torch.testing.assert_close(encoder.maps(other)[:, :, 0], encoder.maps(images)[:, :, 0])
    assert not torch.allclose(encoder.maps(other)[:, :, 1], encoder.maps(images)[:, :, 1])


def test_changed_patches_go_through_the_window() -> None:
    encoder, images = small(mean=[0.4], std=[0.2]), torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(encoder.maps_of(encoder.cut(images)), encoder.maps(images))
    with pytest.raises(ValueError, match=r"patches: expected patches of shape \[B, h, w, 3, 8, 8\], got \[2, 3\]"):
        encoder.maps_of(torch.zeros(2, 3))


@pytest.mark.parametrize(
    ("image_size", "patch_size", "grid", "dim"),
    [(8, 4, 3, 16), (28, 8, 6, 32), (32, 8, 7, 32), (96, 24, 7, 32), (224, 56, 7, 32)],
)
def test_patches_follow_the_size_of_images(image_size: int, patch_size: int, grid: int, dim: int) -> None:
    encoder = small(image_size=image_size)
    assert (encoder.patch_size, encoder.grid, encoder.feature_dim) == (patch_size, grid, dim)
    assert encoder.maps(torch.zeros(1, 3, image_size, image_size)).shape == (1, dim, grid, grid)
    stem: Any = encoder.network[0]
    assert stem.kernel_size == ((7, 7) if patch_size > 32 else (3, 3))


def test_small_patches_go_through_no_stage_without_pixels() -> None:
    encoder, sides = small(patch_size=2, image_size=8), []
    for layer in encoder.network:
        layer.register_forward_hook(lambda _module, _inputs, output: sides.append(output.shape[-1]))
    encoder(torch.zeros(1, 3, 8, 8))
    assert sides[-2:] == [2, 1]


def test_the_network_has_layer_norm() -> None:
    names = {type(part).__name__ for part in small().modules()}
    assert "GroupNorm" in names
    assert "BatchNorm2d" not in names


def test_a_resnet_with_layer_norm_normalises_each_image() -> None:
    encoder = ResNet(depth=10, width=4, norm="layer").train()
    images = torch.rand(3, 3, 8, 8)
    torch.testing.assert_close(encoder(images)[:1], encoder(images[:1]))
    normal = encoder.bn1(encoder.conv1(images))
    torch.testing.assert_close(normal.mean(dim=(1, 2, 3)), torch.zeros(3), rtol=0, atol=1e-5)
    assert encoder.state_dict().keys() == {
        name for name in ResNet(depth=10, width=4).state_dict() if "running" not in name and "tracked" not in name
    }


def test_sizes_are_read_off_weights() -> None:
    assert small(width=2).sizes(small().state_dict())["width"] == 4
    assert [name for name, _ in layers_of(ResNet(10, width=2)).named_children()][-1] == "layer4"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"patch_size": 5}, "patch_size: expected an even number of at most 32 pixels, got 5"),
        ({"patch_size": 34}, "patch_size: expected an even number of at most 32 pixels, got 34"),
        ({"patch_size": 0}, "patch_size: expected an even number of at most 32 pixels, got 0"),
        ({"image_size": 2}, "patch_size: expected an even number of at most 2 pixels, got 4"),
        ({"image_size": 0}, "image_size: expected a positive number, got 0"),
        ({"depth": 11}, "depth: expected one of 10, 18, 34, 50, 101, got 11"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small(**options)


def test_another_norm_is_an_error() -> None:
    with pytest.raises(ValueError, match="norm: expected 'batch' or 'layer', got 'group'"):
        ResNet(norm="group")  # type: ignore[arg-type]
