"""How an encoder is named on the command line: ours by short names, any module by its class path."""

from pathlib import Path
from typing import Any

import pytest
import torchvision
from jsonargparse import ArgumentParser
from torch import nn

from csl.encoders import Backbone, ConvNet, Network, Pixels, ResNet, Timm, ViT, as_encoder


class _Method:
    def __init__(self, encoder: Network) -> None:
        self.encoder = as_encoder(encoder)


def _parser() -> ArgumentParser:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(_Method, "model")
    return parser


def _encoder(*line: str) -> Any:
    parser = _parser()
    return parser.instantiate(parser.parse_args(line)).model.encoder


# torchvision has a ResNet, and timm a ViT-like family, of the same names.
@pytest.mark.parametrize("kind", [ConvNet, Pixels, ResNet, ViT])
def test_short_names_are_ours(kind: type[nn.Module]) -> None:
    assert type(_encoder(f"--model.encoder={kind.__name__}")) is kind


def test_options_of_all_encoders_have_their_place_on_the_line() -> None:
    encoder = _encoder("--model.encoder=ResNet", "--model.encoder.depth=10", "--model.encoder.layers=[layer3]")
    assert encoder.layer_names == ("layer3",)
    encoder = _encoder("--model.encoder=ConvNet", "--model.encoder.mean=[0.5]", "--model.encoder.std=[0.25]")
    assert encoder.mean.tolist() == [0.5] * 3
    assert not _encoder("--model.encoder=ConvNet").has_window


def test_a_module_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_net_file.py").write_text(
        "from torch import nn\n"
        "class MyNet(nn.Module):\n"
        "    def __init__(self, width: int = 4):\n"
        "        super().__init__()\n"
        "        self.net = nn.Conv2d(3, width, 3)\n"
        "    def forward(self, x):\n"
        "        return self.net(x)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    encoder = _encoder("--model.encoder={class_path: my_net_file.MyNet, init_args: {width: 6}}")
    assert isinstance(encoder, Backbone)
    assert encoder.feature_dim == 6


def test_a_function_of_torchvision() -> None:
    encoder = _encoder("--model.encoder=torchvision.models.resnet18")
    assert (type(encoder.model), encoder.feature_dim) == (torchvision.models.ResNet, 512)


def test_a_wrapped_module_with_options() -> None:
    line = "{class_path: torchvision.models.resnet18}"
    encoder = _encoder("--model.encoder=Backbone", f"--model.encoder.model={line}", "--model.encoder.layers=[model.fc]")
    assert encoder.layer_names == ("model.fc",)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("ConvNt", "Expected a dot import path string: ConvNt"),
        ("collections.OrderedDict", "Import path collections.OrderedDict does not correspond to a subclass of Network"),
        ("torchvision.ops.nms", "Import path torchvision.ops.nms does not correspond to a subclass of Network"),
        ("{class_path: ResNet, init_args: {deth: 3}}", "Option 'deth' is not accepted"),
    ],
)
def test_a_wrong_one_is_named_once(value: str, message: str) -> None:
    with pytest.raises(Exception, match=r"model.encoder") as error:
        _parser().parse_args([f"--model.encoder={value}"])
    assert str(error.value).count(message) == 1


def test_help_lists_encoders_and_not_every_layer_of_torch() -> None:
    text = "".join(_parser().format_help().split())
    assert "csl.encoders.Pixels,csl.encoders.Timm,csl.encoders.ViT)" in text
    assert "torch.nn.Linear" not in text
    assert Timm.__name__ in text


def test_every_module_is_a_network_and_nothing_else() -> None:
    assert isinstance(nn.Linear(2, 2), Network)  # type: ignore[redundant-expr, unused-ignore]
    assert not isinstance("resnet18", Network)
