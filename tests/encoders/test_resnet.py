from typing import Any

import pytest
import torch
import torchvision
from torch import nn

from csl.encoders import ResNet


def _without_classifier(reference: Any) -> dict[str, torch.Tensor]:
    return {key: value for key, value in reference.state_dict().items() if not key.startswith("fc.")}


@pytest.mark.parametrize("depth", [18, 34, 50, 101])
def test_names_and_shapes_are_torchvisions(depth: int) -> None:
    with torch.device("meta"):
        expected = _without_classifier(getattr(torchvision.models, f"resnet{depth}")())
        state = ResNet(depth, stem="imagenet").state_dict()
    assert {state.pop("mean").shape, state.pop("std").shape} == {(3,)}
    assert {key: value.shape for key, value in state.items()} == {key: value.shape for key, value in expected.items()}


@pytest.mark.parametrize("depth", [18, 50])
def test_features_are_torchvisions(depth: int) -> None:
    reference = getattr(torchvision.models, f"resnet{depth}")().eval()
    encoder = ResNet(depth, stem="imagenet").eval()
    encoder.load_state_dict(_without_classifier(reference))
    reference.fc = nn.Identity()
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(encoder(images), reference(images))


def test_initialisation_is_torchvisions() -> None:
    torch.manual_seed(0)
    encoder = ResNet(18, stem="imagenet")
    torch.manual_seed(1)
    reference = _without_classifier(torchvision.models.resnet18())
    for name, parameter in encoder.named_parameters():
        torch.testing.assert_close(parameter.std(), reference[name].std(), rtol=0.05, atol=1e-6)
        torch.testing.assert_close(parameter.mean(), reference[name].mean(), rtol=0, atol=5e-3)


@pytest.mark.parametrize(("depth", "width", "dim"), [(10, 16, 128), (18, 8, 64), (34, 4, 32), (50, 4, 128)])
def test_width_scales_the_features(depth: int, width: int, dim: int) -> None:
    encoder = ResNet(depth, width=width)
    assert encoder.feature_dim == dim
    assert encoder(torch.randn(2, 3, 16, 16)).shape == (2, dim)


def test_laptop_size() -> None:
    assert sum(p.numel() for p in ResNet(depth=10, width=16).parameters()) == 307_536


def test_small_stem_keeps_the_resolution() -> None:
    encoder = ResNet(10, width=4)
    images = torch.zeros(1, 3, 32, 32)
    assert encoder.layer1(encoder.maxpool(encoder.conv1(images))).shape[2:] == (32, 32)
    assert (encoder.conv1.kernel_size, encoder.conv1.stride, encoder.conv1.padding) == ((3, 3), (1, 1), (1, 1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depth": 19}, "depth: expected one of 10, 18, 34, 50, 101, got 19"),
        ({"stem": "tiny"}, "stem: expected 'small' or 'imagenet', got 'tiny'"),
        ({"width": 0}, "width: expected a positive number, got 0"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ResNet(**options)


def test_maps_are_what_is_averaged() -> None:
    encoder = ResNet(10, width=4).eval()
    images = torch.rand(2, 3, 32, 32)
    maps = encoder.maps(images)
    assert maps.shape == (2, 32, 4, 4)
    torch.testing.assert_close(maps.mean(dim=(2, 3)), encoder(images))


def test_last_stage_as_a_layer_is_the_features() -> None:
    encoder = ResNet(10, width=4, layers=["layer3", "layer4"]).eval()
    outputs = encoder.outputs(torch.rand(2, 3, 16, 16))
    assert outputs["layer3"].shape == (2, 16)
    torch.testing.assert_close(outputs["layer4"], outputs["encoder"])


def test_a_layer_is_measured_before_it_is_changed_in_place() -> None:
    encoder = ResNet(10, width=4, layers=["bn1"]).eval()
    images = torch.rand(2, 3, 16, 16)
    expected = encoder.bn1(encoder.conv1(images)).mean(dim=(2, 3))
    torch.testing.assert_close(encoder.outputs(images)["bn1"], expected)
    assert (expected < 0).any()


def test_the_stem_follows_the_size_of_the_images_unless_it_is_given() -> None:
    strides = {size: ResNet(10, width=2, image_size=size).conv1.stride for size in (None, 32, 64, 65, 224)}
    assert strides == {None: (1, 1), 32: (1, 1), 64: (1, 1), 65: (2, 2), 224: (2, 2)}
    assert ResNet(10, "small", width=2, image_size=224).conv1.stride == (1, 1)
    assert ResNet(10, width=2, image_size=224)(torch.zeros(1, 3, 40, 40)).shape == (1, 16)
