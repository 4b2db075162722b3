import json
import logging
import sys
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from csl.data.decode import decode_prepared
from csl.encoders import HuggingFace
from csl.encoders.image_processor import processing_of
from csl.encoders.transformers_model import output_of
from csl.io import load_features
from tests.commands.images import write_folder
from tests.commands.runs import SMALL_TRAINER, csl, failure
from tests.data.toy import png

transformers = pytest.importorskip("transformers", reason="the extra transformers is not installed")

VIT: dict[str, Any] = {
    "image_size": 32,
    "patch_size": 8,
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}
SWIN = {"image_size": 32, "patch_size": 2, "embed_dim": 8, "depths": [1, 1], "num_heads": [1, 1], "window_size": 4}
RESNET = {"embedding_size": 4, "hidden_sizes": [4, 8], "depths": [1, 1]}
TEXT = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 9}
# By type of model: its sizes, how many features it has, tokens before those of patches, and whether it has maps.
MODELS: dict[str, tuple[dict[str, Any], int, int, bool]] = {
    "vit": (VIT, 16, 1, True),
    "deit": (VIT, 16, 2, True),
    "dinov2": (VIT, 16, 1, True),
    "dinov2_with_registers": (VIT, 16, 5, True),
    "beit": (VIT, 16, 1, True),
    "vit_mae": (VIT, 16, 1, True),
    "ijepa": (VIT, 16, 0, True),
    "clip_vision_model": (VIT, 16, 1, True),
    "siglip_vision_model": (VIT, 16, 0, True),
    "swin": (SWIN, 16, 0, False),
    "resnet": (RESNET, 8, 0, True),
    "convnext": ({"hidden_sizes": [4, 8], "depths": [1, 1], "num_stages": 2}, 8, 0, True),
}


def images(size: int = 32) -> Tensor:
    return torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0))


def saved(folder: Path, kind: str = "ViTForImageClassification", options: dict[str, Any] | None = None) -> Any:
    """A model with a head, in a folder as `save_pretrained` writes it, with a processor of its own."""
    torch.manual_seed(3)
    whole = getattr(transformers, kind)
    model = whole(whole.config_class(**(VIT if options is None else options))).eval()
    model.save_pretrained(folder)
    transformers.CLIPImageProcessor(
        size={"shortest_edge": 40}, crop_size={"height": 32, "width": 32}, image_mean=[0.1, 0.2, 0.3]
    ).save_pretrained(folder)
    return model


@pytest.mark.parametrize("name", MODELS)
def test_features_tokens_and_maps(name: str) -> None:
    options, dim, prefix, has_maps = MODELS[name]
    encoder = HuggingFace(name, options=options).eval()
    assert (encoder.feature_dim, encoder.prefix_tokens, encoder.image_size) == (dim, prefix, None)
    assert (encoder.has_window, encoder.native_size, encoder.preparation) == (False, None, None)
    for size in (32, 48):
        last = encoder.model(images(size), **more_of(encoder, size))["last_hidden_state"]
        assert encoder(images(size)).shape == (2, dim)
        if last.ndim == 3:
            torch.testing.assert_close(encoder.tokens(images(size)), last)
        if has_maps and last.ndim == 3:
            flat = encoder.maps(images(size)).flatten(2).transpose(1, 2)
            torch.testing.assert_close(flat, last[:, prefix:])
        elif not has_maps:
            with pytest.raises(ValueError, match="encoder: expected one with maps"):
                encoder.maps(images(size))


def more_of(encoder: HuggingFace, size: int) -> dict[str, Any]:
    kind = cast(Any, encoder.model).config.model_type
    if kind in ("vit", "deit", "beit", "ijepa", "clip_vision_model", "siglip_vision_model"):
        return {"interpolate_pos_encoding": True}
    if kind == "vit_mae":
        return {"interpolate_pos_encoding": True, "noise": torch.arange((size // 8) ** 2).expand(2, -1)}
    return {}


def test_features_are_the_pooled_output_but_for_a_dense_layer_that_files_lack() -> None:
    siglip = HuggingFace("siglip_vision_model", options=VIT).eval()
    torch.testing.assert_close(siglip(images()), siglip.model(images())["pooler_output"])
    resnet = HuggingFace("resnet", options=RESNET).eval()
    torch.testing.assert_close(resnet(images()), resnet.maps(images()).mean(dim=(2, 3)))
    vit = HuggingFace("vit", options=VIT).eval()
    torch.testing.assert_close(vit(images()), vit.tokens(images())[:, 0])
    assert not [name for name in vit.state_dict() if "pooler" in name]
    dense = HuggingFace("vit", options=VIT, pooling="pooler").eval()
    torch.testing.assert_close(dense(images()), dense.model(images())["pooler_output"])
    ijepa = HuggingFace("ijepa", options=VIT).eval()
    torch.testing.assert_close(ijepa(images()), ijepa.tokens(images()).mean(dim=1))
    mean = HuggingFace("vit", options=VIT, pooling="mean").eval()
    torch.testing.assert_close(mean(images()), mean.maps(images()).mean(dim=(2, 3)))


def test_a_masked_autoencoder_sees_whole_images_in_order() -> None:
    encoder = HuggingFace("vit_mae", options=VIT).eval()
    output = output_of(encoder.model, images())
    assert output["mask"].sum() == 0
    assert output["ids_restore"].tolist() == [list(range(16))] * 2
    assert torch.equal(encoder(images()), output["last_hidden_state"][:, 0])


def test_a_folder_brings_weights_statistics_size_and_preparation(tmp_path: Path) -> None:
    model = saved(tmp_path)
    encoder = HuggingFace(str(tmp_path)).eval()
    assert (encoder.is_trained, encoder.native_size, encoder.image_size) == (True, 32, None)
    assert encoder.mean.tolist() == pytest.approx([0.1, 0.2, 0.3])
    assert encoder.preparation == (32 / 40, "bicubic", False)
    batch = encoder.normalized(images())
    torch.testing.assert_close(encoder(images()), model.vit(batch)["last_hidden_state"][:, 0])
    stated = HuggingFace(str(tmp_path), mean=[0.5], std=[0.5], layers=["model.layernorm"]).eval()
    assert stated.mean.tolist() == [0.5] * 3
    torch.testing.assert_close(stated.outputs(images())["model.layernorm"], stated.maps(images()).mean(dim=(2, 3)))
    random = HuggingFace(str(tmp_path), pretrained=False)
    assert (random.is_trained, random.has_window, random.preparation) == (False, False, None)


@pytest.mark.parametrize(
    ("kind", "options", "name"),
    [
        ("ViTForImageClassification", VIT, "vit"),
        ("Dinov2ForImageClassification", VIT, "dinov2"),
        ("ViTMAEForPreTraining", VIT, "vit_mae"),
        ("CLIPModel", {"vision_config": VIT, "text_config": TEXT}, "clip"),
        ("SiglipModel", {"vision_config": VIT, "text_config": TEXT}, "siglip"),
        ("ResNetForImageClassification", RESNET, "resnet"),
    ],
)
@pytest.mark.parametrize("ending", [".safetensors", ".bin"])
def test_files_of_the_library_fit(
    kind: str, options: dict[str, Any], name: str, ending: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "csl")
    saved(tmp_path, kind, options)
    file = tmp_path / "model.safetensors"
    if ending == ".bin":
        from safetensors.torch import load_file

        torch.save(load_file(file), file := tmp_path / "pytorch_model.bin")
    sizes = options.get("vision_config", options)
    expected = HuggingFace(str(tmp_path)).eval()
    found = HuggingFace(name, options=sizes, weights=str(file)).eval()
    assert f"tensors of HuggingFace from {file}" in caplog.text
    assert "missing" not in caplog.text
    torch.testing.assert_close(found.model.state_dict(), expected.model.state_dict())
    with_processor = HuggingFace(str(tmp_path), weights=str(file)).eval()
    torch.testing.assert_close(with_processor(images()), expected(images()))


def test_another_network_is_refused(tmp_path: Path) -> None:
    saved(tmp_path)
    with pytest.raises(ValueError, match=r"weights: expected those of HuggingFace, got a larger network in .*safe"):
        HuggingFace("vit", options=VIT | {"num_hidden_layers": 1}, weights=str(tmp_path / "model.safetensors"))
    with pytest.raises(ValueError, match=r"weights: expected .* of shape \[1, 1, 8\] for .*, got \[1, 1, 16\]"):
        HuggingFace("vit", options=VIT | {"hidden_size": 8}, weights=str(tmp_path / "model.safetensors"))


PROCESSORS: list[tuple[str, dict[str, Any]]] = [
    ("ViTImageProcessor", {"size": {"height": 32, "width": 32}}),
    ("CLIPImageProcessor", {"size": {"shortest_edge": 40}, "crop_size": {"height": 32, "width": 32}}),
    ("ConvNextImageProcessor", {"size": {"shortest_edge": 32}}),
    ("ConvNextImageProcessor", {"size": {"shortest_edge": 384}}),
    ("LevitImageProcessor", {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}),
    ("EfficientNetImageProcessor", {"size": {"height": 32, "width": 32}}),
    ("MobileViTImageProcessor", {"size": {"shortest_edge": 40}, "crop_size": {"height": 32, "width": 32}}),
]


@pytest.mark.parametrize(("kind", "options"), PROCESSORS)
@pytest.mark.parametrize(("height", "width"), [(96, 96), (90, 120)])
def test_images_become_what_the_processor_makes_of_them(
    kind: str, options: dict[str, Any], height: int, width: int
) -> None:
    processor = getattr(transformers, kind)(**options)
    way = processing_of(processor)
    noise = np.random.default_rng(0).integers(0, 256, (height // 3, width // 3, 3), dtype=np.uint8)
    pixels = np.array(Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC))
    (expected,) = processor(images=[Image.fromarray(pixels)], return_tensors="pt")["pixel_values"]
    assert way.size is not None
    found = decode_prepared(png(pixels), "", way.size, way.preparation) / 255
    found = (found - torch.tensor(way.mean).view(3, 1, 1)) / torch.tensor(way.std).view(3, 1, 1)
    found = found.flip(0) if way.flips_channels else found
    # torchvision, which the processors resize with, differs from Pillow by a level or two
    torch.testing.assert_close(found, expected, atol=3 / 255 / min(way.std), rtol=0)


def test_channels_that_the_processor_turns_are_turned(tmp_path: Path) -> None:
    model = saved(tmp_path, "ResNetForImageClassification", RESNET)
    transformers.MobileViTImageProcessor(
        size={"shortest_edge": 36}, crop_size={"height": 32, "width": 32}
    ).save_pretrained(tmp_path)
    encoder = HuggingFace(str(tmp_path)).eval()
    assert encoder.flips_channels
    torch.testing.assert_close(encoder(images()), model.resnet(images().flip(1))["pooler_output"].flatten(1))


def test_a_folder_of_images_is_measured_on_the_line(tmp_path: Path) -> None:
    model = saved(tmp_path / "net")
    write_folder(tmp_path / "images", classes=3, train=8, val=4, size=60)
    line = ["--model", "Frozen", *SMALL_TRAINER, "--model.encoder", "HuggingFace", "--model.encoder.name", "net"]
    line += ["--data.source", "Folder", "--data.source.root", "images", "--trainer.logger", "false"]
    csl(tmp_path, "predict", *line, "--output", "f.npz", "--trainer.precision", "32-true")
    processor = transformers.AutoImageProcessor.from_pretrained(tmp_path / "net")
    files = [Image.open(file) for file in sorted((tmp_path / "images" / "val").glob("*/*.png"))]
    views = processor(images=files, return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        expected = model.vit(views)["last_hidden_state"][:, 0]
    torch.testing.assert_close(load_features(tmp_path / "f.npz").values, expected, rtol=0.01, atol=0.01)


def test_wrong_names_and_options_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, message in {
        "vitt": r"name: expected a folder, a name on the Hub, or a type of model, got 'vitt'; nearest: vit,",
        "bert": "name: expected a model that sees images, got BertModel, which does not",
        "timesformer": "name: expected a model that encodes images, got TimesformerModel",
    }.items():
        with pytest.raises(ValueError, match=message):
            HuggingFace(name)
    with pytest.raises(ValueError, match="pooling: expected one of pooler, mean for this model, got 'cls'"):
        HuggingFace("resnet", options=RESNET, pooling="cls")
    with pytest.raises(ValueError, match="pretrained: expected false for vit, a type of model, which has no weights"):
        HuggingFace("vit", pretrained=True)
    with pytest.raises(ValueError, match="pretrained: expected false where a file of weights is given, got true"):
        HuggingFace("vit", pretrained=True, weights="a.pth")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "no_such_thing"}))
    with pytest.raises(ValueError, match="no_such_thing"):
        HuggingFace(str(tmp_path))
    status, message = failure(tmp_path, "validate", "--model.encoder", "HuggingFace", "--model.encoder.name", "vitt")
    assert status == 1
    assert "name: expected a folder" in message
    assert "Traceback" not in message
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'csl\[transformers\]'"):
        HuggingFace("vit")


def test_weights_that_a_folder_lacks_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    saved(tmp_path)
    HuggingFace(str(tmp_path))
    assert "lack" not in caplog.text
    HuggingFace(str(tmp_path), pooling="pooler")
    assert "ViTModel in" in caplog.text
    assert "lack pooler.dense.bias, pooler.dense.weight, left random" in caplog.text
