from typing import Any

import pytest
import torch
from torch import Tensor, nn

from csl.encoders import ConvNet, Encoder, ResNet


class _Parts(Encoder):
    """Every kind of layer that cannot be measured."""

    def __init__(self, **options: Any) -> None:
        super().__init__(3, **options)
        self.idle, self.vectors = nn.Identity(), nn.Identity()
        self.attention = nn.MultiheadAttention(3, 1, batch_first=True)
        self.folded = nn.Unflatten(0, (1, -1))
        self.twice = nn.ReLU(inplace=True)
        self.complete()

    def forward(self, images: Tensor) -> Tensor:
        features = self.vectors(images.mean(dim=(2, 3)))
        self.attention(features[:, None], features[:, None], features[:, None])
        self.folded(features)
        return self.twice(self.twice(features - 10.0) + 1.0)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("idle", "layers: expected layers that every pass goes through, got idle, which this one did not"),
        ("attention", r"layers: expected \[2, D\], \[2, N, D\] or \[2, D, h, w\] from attention, got tuple"),
        ("folded", r"layers: expected \[2, D\], \[2, N, D\] or \[2, D, h, w\] from folded, got \[1, 2, 3\]"),
    ],
)
def test_what_cannot_be_measured_is_named(layer: str, message: str) -> None:
    encoder = _Parts(layers=[layer])
    with pytest.raises(ValueError, match=message):
        encoder.outputs(torch.zeros(2, 3, 4, 4))
    assert not encoder.get_submodule(layer)._forward_hooks


def test_vectors_are_kept_as_they_were() -> None:
    images = torch.rand(2, 3, 4, 4)
    outputs = _Parts(layers=["vectors"]).outputs(images)
    assert torch.equal(outputs["vectors"], images.mean(dim=(2, 3)))
    assert torch.equal(outputs["encoder"], torch.ones(2, 3))


def test_of_several_calls_the_last_counts() -> None:
    outputs = _Parts(layers=["twice"]).outputs(torch.rand(2, 3, 4, 4))
    assert torch.equal(outputs["twice"], torch.ones(2, 3))


def test_names_are_known_without_an_image_and_in_order() -> None:
    assert ResNet(10, width=2, layers=["layer4", "layer1", "layer4"]).layer_names == ("layer4", "layer1")
    assert ConvNet().layer_names == ()


def test_near_names_are_shown() -> None:
    with pytest.raises(ValueError, match=r"submodules of ResNet, got 'layer5'; nearest: .*layer4"):
        ResNet(10, width=2, layers=["layer5"])
    with pytest.raises(ValueError, match=r"submodules of ConvNet, got 'stage'; there are layers$"):
        ConvNet(layers=["stage"])
