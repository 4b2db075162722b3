import sys
from typing import Any

import pytest
import torch

from csl.encoders import Timm


@pytest.mark.parametrize("name", ["resnet10t", "mobilenetv3_small_050", "convnext_atto", "vgg11"])
def test_features_are_as_long_as_said(name: str) -> None:
    pytest.importorskip("timm")
    encoder = Timm(name, in_channels=1)
    assert encoder(torch.zeros(2, 1, 32, 32)).shape == (2, encoder.feature_dim)


def test_options_reach_the_model() -> None:
    pytest.importorskip("timm")
    encoder = Timm("vit_tiny_patch16_224", options={"img_size": 8, "patch_size": 4, "depth": 1})
    assert encoder(torch.zeros(2, 3, 8, 8)).shape == (2, 192)


def test_unknown_name_shows_the_nearest() -> None:
    pytest.importorskip("timm")
    with pytest.raises(ValueError, match=r"name: expected a model of timm, got 'resnet81'; nearest: .*resnet18"):
        Timm("resnet81")


def test_missing_package_says_what_to_install(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'csl\[timm\]'"):
        Timm("resnet18")
