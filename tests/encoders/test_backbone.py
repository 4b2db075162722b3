import random
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor, nn

from csl.encoders import Backbone, ConvNet, as_encoder


class _Digits(nn.Module):
    """A net for images of one size, as many write their first one."""

    def __init__(self, size: int = 28, width: int = 5) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(size * size, width), nn.Dropout(0.5))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)  # type: ignore[no-any-return]


class _Gives(nn.Module):
    def __init__(self, output: Any) -> None:
        super().__init__()
        self.output = output

    def forward(self, x: Tensor) -> Any:
        return self.output


@pytest.mark.parametrize(
    ("name", "dim", "size"),
    [
        ("resnet18", 512, None),
        ("mobilenet_v3_small", 576, None),
        ("shufflenet_v2_x0_5", 1024, None),
        ("vit_b_32", 768, 224),
    ],
)
def test_torchvisions_models_lose_their_classifier(name: str, dim: int, size: int | None) -> None:
    backbone = Backbone(getattr(torchvision.models, name)()).eval()
    assert (backbone.feature_dim, backbone.image_size, backbone.in_channels) == (dim, size, 3)
    assert backbone(torch.rand(1, 3, size or 32, size or 32)).shape == (1, dim)


def test_features_are_torchvisions() -> None:
    model = torchvision.models.resnet18().eval()
    images = torch.rand(2, 3, 32, 32)
    classes, classifier = model(images), model.fc
    torch.testing.assert_close(classifier(Backbone(model)(images)), classes)


def test_a_named_classifier_is_taken_out() -> None:
    backbone = Backbone(torchvision.models.vgg11(), classifier="classifier.6")
    assert backbone.feature_dim == 4096
    with pytest.raises(
        ValueError, match=r"classifier: expected the name of a submodule of ResNet, such as conv1, .*fd'"
    ):
        Backbone(torchvision.models.resnet18(), classifier="fd")


def test_ones_own_net_is_taken_as_it_is() -> None:
    net = nn.Sequential()
    net.fc = nn.Conv2d(3, 4, 1)
    assert Backbone(net).feature_dim == 4


def test_maps_are_averaged_and_offered() -> None:
    backbone = Backbone(nn.Conv2d(1, 6, 3, padding=1))
    images = torch.rand(2, 1, 8, 8)
    assert backbone.maps(images).shape == (2, 6, 8, 8)
    torch.testing.assert_close(backbone(images), backbone.maps(images).mean(dim=(2, 3)))
    with pytest.raises(ValueError, match=r"encoder: expected one with maps, .*, got ResNet, which gives features"):
        Backbone(torchvision.models.resnet18()).maps(torch.zeros(2, 3, 32, 32))


def test_a_size_that_the_module_insists_on_is_found() -> None:
    backbone = Backbone(_Digits(), in_channels=1, image_size=28)
    assert (backbone.feature_dim, backbone.image_size) == (5, 28)
    with pytest.raises(
        ValueError, match=r"images: expected 28 by 28 pixels for Backbone\(image_size=28\), got 32 by 32"
    ):
        backbone(torch.zeros(2, 1, 32, 32))


def test_features_that_grow_with_the_image_tie_it_to_a_size() -> None:
    assert Backbone(nn.Flatten(), image_size=8).image_size == 8


def test_finding_the_form_changes_nothing() -> None:
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5))
    net[1].eval()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    states = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()  # type: ignore[index]
    backbone = Backbone(net)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert (np.random.get_state()[1].tolist(), random.getstate()) == states[1:]  # type: ignore[index]
    assert [part.training for part in net] == [True, False, True]
    assert net.training
    assert backbone.model is net
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name])
    assert all(parameter.grad is None and parameter.requires_grad for parameter in net.parameters())


def test_the_module_is_as_it_was_after_a_failure() -> None:
    net = _Digits()
    with pytest.raises(ValueError, match="encoder: "):
        Backbone(net)
    assert all(part.training for part in net.modules())


@pytest.mark.parametrize(
    ("output", "got"),
    [((torch.zeros(2, 3),), "tuple"), (torch.zeros(2, 5, 3), r"\[2, 5, 3\]"), (torch.zeros(3, 5), r"\[3, 5\]")],
)
def test_what_is_no_encoder_is_told_what_one_does(output: Any, got: str) -> None:
    message = (
        r"encoder: an encoder turns images \[B, C, H, W\] into features \[B, D\] or maps \[B, D, h, w\]; _Gives turned "
    )
    with pytest.raises(ValueError, match=rf"{message}\[2, 3, 32, 32\] into {got}"):
        as_encoder(_Gives(output))


def test_a_module_that_fails_says_with_what_and_what_to_do() -> None:
    with pytest.raises(
        ValueError, match=r"_Digits failed with images \[2, 3, 32, 32\]: .*mat1.*\[2, 3, 224, 224\]: .*mat1.*wrap it"
    ):
        as_encoder(_Digits())


def test_half_precision_and_lazy_modules() -> None:
    assert Backbone(nn.Conv2d(3, 8, 3).bfloat16()).feature_dim == 8
    assert Backbone(nn.Sequential(nn.LazyConv2d(8, 3)), in_channels=1).feature_dim == 8


def test_a_fact_of_the_module_wins_over_what_the_data_have() -> None:
    assert Backbone(torchvision.models.resnet18(), in_channels=1).in_channels == 3
    assert Backbone(nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(12, 8, 1)), in_channels=3).in_channels == 3


def test_encoders_stay_what_they_are() -> None:
    encoder = ConvNet()
    assert as_encoder(encoder) is encoder
    with pytest.raises(ValueError, match=r"model: expected a plain torch.nn.Module, got ConvNet, an encoder already"):
        Backbone(encoder)


def test_layers_of_ones_own_encoder_are_checked_too() -> None:
    encoder = ConvNet()
    encoder.layer_names = ("layer3",)
    with pytest.raises(ValueError, match="layers: expected names of submodules of ConvNet, got 'layer3'"):
        as_encoder(encoder)


def test_options_reach_the_backbone() -> None:
    encoder = as_encoder(torchvision.models.resnet18(), mean=[0.5], std=[0.5], layers=["model.layer3"])
    outputs = encoder.outputs(torch.rand(2, 3, 32, 32))
    assert {name: values.shape[1] for name, values in outputs.items()} == {"encoder": 512, "model.layer3": 256}
    assert encoder.has_window
