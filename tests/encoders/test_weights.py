import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch import Tensor, nn

from csl.encoders import Backbone, ConvNet, Encoder, Pixels, ResNet, Timm, ViT, load_weights
from csl.methods import MoCo
from tests.encoders.projects import LAYOUTS, behind, features_of, head, resnet

IMAGES = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(3))
VIT: dict[str, Any] = {"image_size": 32, "patch_size": 8, "depth": 2, "heads": 2, "width": 24, "mlp_width": 96}
TIMM_VIT: dict[str, Any] = {"img_size": 32, "patch_size": 8, "depth": 2, "num_heads": 2, "embed_dim": 24}

ENCODERS: dict[str, Callable[[str], Encoder]] = {
    "ResNet": lambda weights: ResNet(10, "imagenet", weights=weights),
    "Backbone": lambda weights: Backbone(resnet(seed=9), weights=weights),
}


@pytest.fixture(autouse=True)
def _said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "csl")


def saved(folder: Path, content: Any, name: str = "weights.pth", **options: Any) -> str:
    torch.save(content, folder / name, **options)
    return str(folder / name)


def features(encoder: Encoder, images: Tensor = IMAGES) -> Tensor:
    with torch.no_grad():
        return encoder.eval()(images)


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_features_are_the_original_networks_bit_for_bit(layout: str, encoder: str, tmp_path: Path) -> None:
    model, expected = resnet(seed=1), features_of(resnet(seed=1), IMAGES)
    path = saved(tmp_path, LAYOUTS[layout](model, resnet(seed=2)))
    loaded = ENCODERS[encoder](path)
    assert torch.equal(features(loaded), expected)
    assert loaded.is_trained
    assert not loaded.has_window


@pytest.mark.parametrize("form", ["model.pt", "model.ckpt", "model.pth.tar", "model.safetensors", "before torch 1.6"])
def test_forms_of_files(form: str, tmp_path: Path) -> None:
    state = resnet(seed=1).state_dict()
    if form == "model.safetensors":
        save_file(state, tmp_path / form)
    else:
        saved(tmp_path, {"model": state}, form, _use_new_zipfile_serialization=form.startswith("model"))
    encoder = ResNet(10, "imagenet", weights=str(tmp_path / form))
    assert torch.equal(features(encoder), features_of(resnet(seed=1), IMAGES))


@pytest.mark.parametrize("kind", ["ViT", "Timm"])
@pytest.mark.parametrize("origin", ["timm", "torchvision"])
@pytest.mark.parametrize("layout", ["", "teacher.backbone.", "state_dict.module.base_encoder."])
def test_vision_transformers_under_either_librarys_names(kind: str, origin: str, layout: str, tmp_path: Path) -> None:
    timm = pytest.importorskip("timm")
    torch.manual_seed(1)
    if origin == "timm":
        model = timm.create_model("vit_tiny_patch16_224", num_classes=7, **TIMM_VIT)
        nn.init.normal_(model.cls_token)
        classifier = model.head
        model.head = nn.Identity()
    else:
        model = torchvision.models.VisionTransformer(32, 8, 2, 2, 24, 96, num_classes=7)
        nn.init.normal_(model.class_token)
        classifier = model.heads.head
        model.heads.head = nn.Identity()
    name = "head" if origin == "timm" else "heads.head"
    path = saved(tmp_path, behind(layout, model) | behind(f"{layout}{name}.", classifier))
    if kind == "ViT":
        encoder: Encoder = ViT(**VIT, weights=path)
    else:
        encoder = Timm("vit_tiny_patch16_224", options=TIMM_VIT, weights=path, mean=[0.0], std=[1.0])
    with torch.no_grad():
        expected = model.eval()(IMAGES[..., :32, :32])
    found = features(encoder, IMAGES[..., :32, :32])
    # The two libraries call different kernels for attention.
    if (kind, origin) in (("ViT", "torchvision"), ("Timm", "timm")):
        assert torch.equal(found, expected)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_blocks_in_chunks_are_dinov2s(tmp_path: Path) -> None:
    torch.manual_seed(1)
    vit = ViT(**VIT).eval()
    state = {f"teacher.backbone.{name}": value for name, value in vit.state_dict().items()}
    chunked = {name.replace("encoder.layers.encoder_layer_", "blocks.0."): value for name, value in state.items()}
    loaded = ViT(**VIT, weights=saved(tmp_path, chunked))
    assert torch.equal(features(loaded, IMAGES[..., :32, :32]), features(vit, IMAGES[..., :32, :32]))


def test_lightlys_small_resnet_is_ours_but_for_the_relu_that_a_sequence_of_its_parts_loses(tmp_path: Path) -> None:
    from lightly.models import ResNetGenerator

    torch.manual_seed(1)
    model = ResNetGenerator("resnet-18", width=0.25).eval()
    backbone = nn.Sequential(*list(model.children())[:-1], nn.AdaptiveAvgPool2d(1))
    path = saved(tmp_path, {"state_dict": behind("backbone.", backbone)})
    with pytest.raises(ValueError, match="expected a network with relu between bn1 and layer1, got one without"):
        ResNet(18, width=16, weights=path)
    kept = nn.Sequential(*list(model.children())[:2], nn.ReLU(), *list(model.children())[2:-1], nn.AdaptiveAvgPool2d(1))
    encoder = ResNet(18, width=16, weights=saved(tmp_path, {"state_dict": behind("backbone.", kept)}))
    images = IMAGES[..., :32, :32]
    with torch.no_grad():
        assert torch.equal(features(encoder, images), kept.eval()(images).flatten(1))


def test_a_method_of_csl_brings_its_encoder_and_its_window(tmp_path: Path) -> None:
    torch.manual_seed(1)
    encoder = ResNet(10, width=4, mean=[0.4, 0.5, 0.6], std=[0.2])
    method = MoCo(encoder, queue_size=8)
    nn.init.normal_(next(method.momentum_encoder.parameters()))
    path = saved(tmp_path, {"state_dict": method.state_dict(), "csl_method": "csl.methods.moco.MoCo"}, "last.ckpt")
    loaded = ResNet(10, width=4, weights=path)
    loaded.take_window([0.1], [0.1])
    assert torch.equal(features(loaded), features(encoder))
    other = ResNet(10, width=4, weights=f"{path}#momentum_encoder")
    assert torch.equal(features(other), features(method.momentum_encoder))


def test_timms_window_and_size_come_with_weights(tmp_path: Path) -> None:
    timm = pytest.importorskip("timm")
    path = saved(tmp_path, timm.create_model("vit_tiny_patch16_224", **TIMM_VIT).state_dict())
    encoder = Timm("vit_tiny_patch16_224", options=TIMM_VIT, weights=path)
    assert (encoder.mean.tolist(), encoder.native_size) == ([0.5] * 3, 32)
    with pytest.raises(ValueError, match="pretrained: expected false where a file of weights is given, got true"):
        Timm("vit_tiny_patch16_224", pretrained=True, weights=path)


def test_timm_turns_positions_for_another_size_and_says_so(tmp_path: Path, caplog: Any) -> None:
    timm = pytest.importorskip("timm")
    larger = timm.create_model("vit_tiny_patch16_224", **(TIMM_VIT | {"img_size": 64}))
    path = saved(tmp_path, {"teacher": behind("backbone.", larger)})
    encoder = Timm("vit_tiny_patch16_224", options=TIMM_VIT, weights=path)
    assert encoder.model.pos_embed.shape == (1, 17, 24)
    assert torch.equal(encoder.model.norm.weight, larger.norm.weight)
    assert torch.equal(encoder.model.blocks[1].attn.qkv.weight, larger.blocks[1].attn.qkv.weight)
    assert "names and sizes: as its library turned them for this model" in caplog.text


def test_what_was_loaded_left_out_and_missing_is_said_in_one_block(tmp_path: Path, caplog: Any) -> None:
    path = saved(tmp_path, LAYOUTS["MoCo v1, v2"](resnet(seed=1), resnet(seed=2)), "moco.pth.tar")
    ResNet(10, "imagenet", weights=path)
    (record,) = (record for record in caplog.records if record.name == "csl.encoders.weights")
    assert record.getMessage() == (
        f"weights: 60 of 60 tensors of ResNet from {path}, whose names begin with state_dict.module.encoder_q.\n"
        f"  others there that fit as well, chosen by {path}#WORD: state_dict.module.encoder_k.\n"
        "  heads left out: fc (2)\n"
        "  left out beside it: state_dict.module.encoder_k (74), state_dict.module.queue, optimizer (149)\n"
        "  mean and std: not in the file; those of the data are taken unless they are given"
    )


def test_a_part_that_is_not_there_stays_as_it_was_and_is_a_warning(tmp_path: Path, caplog: Any) -> None:
    vit = ViT(**VIT)
    nn.init.constant_(vit.encoder.ln.weight, 0.5)
    state = {name: value for name, value in vit.state_dict().items() if not name.startswith("encoder.ln.")}
    loaded = ViT(**VIT, weights=saved(tmp_path, state | {"mask_token": torch.zeros(1, 24), "extra": torch.zeros(2)}))
    assert torch.equal(loaded.encoder.ln.weight, torch.ones(24))
    assert torch.equal(loaded.conv_proj.weight, vit.conv_proj.weight)
    (record,) = (record for record in caplog.records if record.name == "csl.encoders.weights")
    assert record.levelno == logging.WARNING
    for line in ("heads left out: mask_token", "left out: extra", "missing, left as they were: norm (2)"):
        assert f"\n  {line}\n" in f"{record.getMessage()}\n"


def test_heads_of_every_project_are_left_out_by_name(tmp_path: Path, caplog: Any) -> None:
    names = ["fc", "head", "heads", "classifier", "projector", "projection_head", "prediction_head", "predictor"]
    names += ["prototypes", "decoder", "online_classifier", "contrastive_head", "linear", "last_layer"]
    state = resnet(seed=1).state_dict()
    for name in names:
        state |= head(f"{name}")
    ResNet(10, "imagenet", weights=saved(tmp_path, state))
    assert "heads left out: fc (4), head (2), heads (2), classifier (2), projector (2)" in caplog.text
    assert "\n  left out:" not in caplog.text


class _Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(12, 4), nn.Linear(4, 7))

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)  # type: ignore[no-any-return]


def test_what_a_backbone_took_out_is_no_larger_network(tmp_path: Path) -> None:
    torch.manual_seed(1)
    trained = _Net()
    path = saved(tmp_path, trained.state_dict())
    encoder = Backbone(_Net(), classifier="layers.2", image_size=2, weights=path)
    images = torch.rand(2, 3, 2, 2)
    assert torch.equal(features(encoder, images), trained.layers[:2](images))


RESNET = resnet(seed=1).state_dict()
WRONG = [
    (
        {"depth": 10},
        r"expected conv1.weight of shape \[64, 3, 3, 3\] for ResNet, got \[64, 3, 7",
        "stem: imagenet",
    ),
    ({"depth": 10, "stem": "imagenet", "width": 32}, r"\[32, 3, 7, 7\] for ResNet, got \[64, 3, 7, 7\]", "width: 64"),
    ({"depth": 10, "stem": "imagenet", "in_channels": 4}, r"\[64, 4, 7, 7\] .*\[64, 3, 7, 7\]", "in_channels: 3"),
    ({"depth": 18, "stem": "imagenet"}, r"expected layer1.1.conv1.weight for ResNet, got none", "depth: 10"),
    (
        {"depth": 50, "stem": "small", "width": 8},
        r"expected those of ResNet .* holds 60 of its 265",
        "depth: 10, stem: imagenet, width: 64",
    ),
]


@pytest.mark.parametrize(("options", "said", "fits"), WRONG)
def test_another_network_is_an_error_that_says_what_fits(options: Any, said: str, fits: str, tmp_path: Path) -> None:
    path = saved(tmp_path, {"state_dict": behind("backbone.", resnet(seed=1))})
    with pytest.raises(ValueError, match=rf"weights: .*{said}.*\. The file's network has {fits}; give the encoder the"):
        ResNet(**options, weights=path)


def test_a_larger_network_and_a_stranger_are_errors(tmp_path: Path) -> None:
    path = saved(tmp_path, torchvision.models.resnet18().state_dict())
    said = r"expected those of ResNet, got a larger network in .*: layer1.1.conv1.weight has no place and 39 more"
    with pytest.raises(ValueError, match=rf"weights: {said} like it\. The file's network has depth: 18; give"):
        ResNet(10, "imagenet", weights=path)
    with pytest.raises(ValueError, match=r"weights: expected those of ConvNet .*which holds 0 of its 20 tensors"):
        ConvNet(weights=path)
    with pytest.raises(ValueError, match=r"weights: expected an encoder with weights, got Pixels, which has none"):
        Pixels(weights=path)
    with pytest.raises(ValueError, match=r"expected a word that names in .* hold, got 'teacher'; they begin with c"):
        ResNet(18, "imagenet", weights=f"{path}#teacher")


@pytest.mark.parametrize(
    ("name", "size"),
    [("image_size", 64), ("patch_size", 4), ("depth", 3), ("width", 32), ("mlp_width", 64), ("in_channels", 1)],
)
def test_a_transformer_of_another_size_says_which(name: str, size: int, tmp_path: Path) -> None:
    path = saved(tmp_path, ViT(**(VIT | {name: size})).state_dict())
    with pytest.raises(ValueError, match=rf"The file's network has {name}: {size}; give the encoder the same"):
        ViT(**VIT, weights=path)


def test_a_convnet_of_another_width_says_which(tmp_path: Path) -> None:
    path = saved(tmp_path, ConvNet(width=4, in_channels=1).state_dict())
    with pytest.raises(ValueError, match=r"The file's network has width: 4, in_channels: 1; give the encoder the same"):
        ConvNet(weights=path)


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    model = resnet(seed=1)
    model.bn1.weight.data[3] = torch.nan
    with pytest.raises(ValueError, match=r"weights: expected finite numbers, got NaN or infinity in bn1.weight of "):
        ResNet(10, "imagenet", weights=saved(tmp_path, model.state_dict()))


def test_files_of_old_torch_lack_counters(tmp_path: Path) -> None:
    state = {name: value for name, value in resnet(seed=1).state_dict().items() if "num_batches" not in name}
    assert torch.equal(
        features(ResNet(10, "imagenet", weights=saved(tmp_path, state))), features_of(resnet(seed=1), IMAGES)
    )


def test_weights_for_colour_are_summed_for_grey_images_and_said_to_be(tmp_path: Path, caplog: Any) -> None:
    grey = IMAGES[:, :1]
    encoder = ResNet(10, "imagenet", in_channels=1, weights=saved(tmp_path, RESNET))
    expected = features_of(resnet(seed=1), grey.expand(-1, 3, -1, -1))
    torch.testing.assert_close(features(encoder, grey), expected, rtol=1e-4, atol=1e-5)
    assert "\n  for grey images: conv1.weight is the sum over its three channels" in caplog.text


def test_half_precision_is_read_into_float32(tmp_path: Path) -> None:
    state = {name: value.half() if value.is_floating_point() else value for name, value in RESNET.items()}
    encoder = ResNet(10, "imagenet", weights=saved(tmp_path, state))
    assert encoder.conv1.weight.dtype == torch.float32
    assert torch.equal(encoder.conv1.weight, RESNET["conv1.weight"].half().float())


def test_a_failure_leaves_the_encoder_as_it_was(tmp_path: Path) -> None:
    encoder = ResNet(18, "imagenet")
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    with pytest.raises(ValueError, match="weights: "):
        load_weights(encoder, saved(tmp_path, RESNET))
    assert all(torch.equal(value, before[name]) for name, value in encoder.state_dict().items())
    assert not encoder.is_trained


def test_an_encoder_of_ones_own_that_forgets_to_ask_is_loaded_by_its_method(tmp_path: Path) -> None:
    from csl.methods import Frozen

    class _Mine(Encoder):
        def __init__(self, **options: Any) -> None:
            super().__init__(4, **options)
            self.layer = nn.Conv2d(3, 4, 1)

        def forward(self, images: Tensor) -> Tensor:
            return self.layer(images).mean(dim=(2, 3))  # type: ignore[no-any-return]

    trained = _Mine()
    method = Frozen(_Mine(weights=saved(tmp_path, trained.state_dict())))
    assert torch.equal(features(method.encoder), features(trained))
