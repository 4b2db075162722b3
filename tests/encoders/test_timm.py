import sys
from typing import Any

import pytest
import torch

from csl.encoders import Timm

timm = pytest.importorskip("timm")
VIT: dict[str, Any] = {"img_size": 32, "patch_size": 8, "depth": 2}


@pytest.fixture
def _weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """No weights are fetched: what `pretrained=True` changes beside them is what is tested."""
    monkeypatch.setattr("timm.models._builder.load_pretrained", lambda *_args, **_options: None)
    source = {"mean": (0.5, 0.25, 0.375), "std": (0.25, 0.125, 0.5)}
    create = timm.create_model
    monkeypatch.setattr(
        "timm.create_model", lambda *args, **options: create(*args, **options, pretrained_cfg_overlay=source)
    )


@pytest.mark.parametrize("name", ["resnet10t", "mobilenetv3_small_050", "convnext_atto", "vgg11"])
def test_features_are_as_long_as_said(name: str) -> None:
    encoder = Timm(name, in_channels=1)
    assert encoder(torch.zeros(2, 1, 32, 32)).shape == (2, encoder.feature_dim)


def test_options_reach_the_model() -> None:
    encoder = Timm("vit_tiny_patch16_224", options={"img_size": 8, "patch_size": 4, "depth": 1})
    assert encoder(torch.zeros(2, 3, 8, 8)).shape == (2, 192)


def test_unknown_name_shows_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"name: expected a model of timm, got 'resnet81'; nearest: .*resnet18"):
        Timm("resnet81")


def test_missing_package_says_what_to_install(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'csl\[timm\]'"):
        Timm("resnet18")


@pytest.mark.usefixtures("_weights")
def test_pretrained_weights_bring_their_window_and_size() -> None:
    encoder = Timm("test_resnet", pretrained=True)
    encoder.take_window([0.1], [0.1])
    torch.testing.assert_close(encoder.mean, torch.tensor([0.5, 0.25, 0.375]))
    torch.testing.assert_close(encoder.std, torch.tensor([0.25, 0.125, 0.5]))
    assert (encoder.native_size, encoder.image_size) == (160, None)
    stated = Timm("test_resnet", pretrained=True, mean=[0.5], std=[0.5])
    assert stated.mean.tolist() == [0.5] * 3


@pytest.mark.usefixtures("_weights")
def test_pretrained_weights_for_other_channels() -> None:
    torch.testing.assert_close(Timm("test_resnet", pretrained=True, in_channels=1).mean, torch.tensor([0.375]))
    message = (
        "in_channels: expected 1 or 3, whose mean and std pretrained weights bring, got 4; for other channels, give"
    )
    with pytest.raises(ValueError, match=message):
        Timm("test_resnet", pretrained=True, in_channels=4)
    assert Timm("test_resnet", pretrained=True, in_channels=4, mean=[0.5], std=[0.5]).has_window


def test_untrained_networks_state_nothing() -> None:
    encoder = Timm("test_resnet")
    assert (encoder.has_window, encoder.native_size, encoder.image_size) == (False, None, None)


def test_the_size_that_a_model_insists_on() -> None:
    encoder = Timm("vit_tiny_patch16_224", options=VIT)
    assert (encoder.native_size, encoder.image_size) == (32, 32)
    with pytest.raises(ValueError, match=r"images: expected 32 by 32 pixels for Timm\(image_size=32\), got 40 by 40"):
        encoder(torch.zeros(2, 3, 40, 40))


def test_dynamic_models_take_other_sizes() -> None:
    encoder = Timm("vit_tiny_patch16_224", options=VIT | {"dynamic_img_size": True}).eval()
    assert encoder.image_size is None
    assert encoder(torch.zeros(2, 3, 40, 48)).shape == (2, 192)
    assert encoder.maps(torch.zeros(2, 3, 40, 48)).shape == (2, 192, 5, 6)


def test_maps_of_a_convolutional_net() -> None:
    encoder, images = Timm("resnet10t").eval(), torch.rand(2, 3, 64, 64)
    assert encoder.maps(images).shape == (2, 512, 2, 2)
    torch.testing.assert_close(encoder.maps(images).mean(dim=(2, 3)), encoder(images))
    with pytest.raises(ValueError, match=r"encoder: expected one with tokens, such as ViT or a vision .*, got Timm"):
        encoder.tokens(images)


def test_maps_of_a_net_with_channels_last() -> None:
    options = {"img_size": 32, "window_size": 4, "depths": (1, 1), "num_heads": (1, 2), "embed_dim": 8}
    encoder = Timm("swin_tiny_patch4_window7_224", options=options, layers=["model.layers.1"]).eval()
    images = torch.rand(2, 3, 32, 32)
    assert encoder.maps(images).shape == (2, 16, 4, 4)
    torch.testing.assert_close(encoder.maps(images).mean(dim=(2, 3)), encoder(images))
    assert encoder.outputs(images)["model.layers.1"].shape == (2, 16)


def test_tokens_of_a_transformer() -> None:
    encoder, images = Timm("vit_tiny_patch16_224", options=VIT).eval(), torch.rand(2, 3, 32, 32)
    tokens, maps = encoder.tokens(images), encoder.maps(images)
    assert (tokens.shape, encoder.prefix_tokens) == ((2, 17, 192), 1)
    torch.testing.assert_close(tokens[:, 0], encoder(images))
    torch.testing.assert_close(maps.flatten(2).transpose(1, 2), tokens[:, 1:])


def test_a_transformer_without_a_grid_has_tokens_only() -> None:
    encoder = Timm("mixer_s32_224", options={"img_size": 32}).eval()
    assert encoder.tokens(torch.rand(2, 3, 32, 32)).ndim == 3
    with pytest.raises(ValueError, match="encoder: expected one with maps"):
        encoder.maps(torch.rand(2, 3, 32, 32))
    with pytest.raises(ValueError, match="encoder: expected one with tokens"):
        encoder.tokens(torch.rand(2, 3, 32, 32), keep=torch.zeros(2, 1).long())


@pytest.mark.parametrize(
    "options", [VIT, VIT | {"reg_tokens": 4, "no_embed_class": True}, VIT | {"patch_drop_rate": 0.5}]
)
def test_kept_patches_do_not_see_the_others(options: dict[str, Any]) -> None:
    encoder, images = Timm("vit_tiny_patch16_224", options=options).train(), torch.rand(2, 3, 32, 32)
    keep = torch.tensor([[0, 5, 2], [15, 1, 3]])
    tokens = encoder.tokens(images, keep=keep)
    assert tokens.shape == (2, encoder.prefix_tokens + 3, 192)
    changed = images.clone()
    changed[0, :, 16:] = 0.0  # patches 8 to 15
    assert torch.equal(encoder.tokens(changed, keep=keep)[0], tokens[0])
    encoder.eval()
    everything = torch.arange(16).repeat(2, 1)
    assert torch.equal(encoder.tokens(images, keep=everything), encoder.tokens(images))


def test_layers_leave_the_class_token_out_where_there_is_one() -> None:
    layers = ["model.patch_embed", "model.norm"]
    encoder, images = Timm("vit_tiny_patch16_224", options=VIT, layers=layers).eval(), torch.rand(2, 3, 32, 32)
    outputs = encoder.outputs(images)
    torch.testing.assert_close(outputs["model.norm"], encoder.maps(images).mean(dim=(2, 3)))
    torch.testing.assert_close(outputs["model.patch_embed"], encoder.model.patch_embed(images).mean(dim=1))
