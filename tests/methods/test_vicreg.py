from typing import Any

import pytest
from torch import nn

from csl.encoders import ConvNet
from csl.losses import VICRegLoss
from csl.methods import VICReg
from tests.methods.two_views import assert_loss_is_of_projections


def test_loss_is_of_both_views_projections() -> None:
    assert_loss_is_of_projections("VICReg")
    assert_loss_is_of_projections("VICReg", loss=VICRegLoss(1.0, 2.0, 3.0))


def test_the_projection_head_has_three_layers_and_no_last_norm() -> None:
    method: Any = VICReg(ConvNet(width=2), hidden_dim=6, output_dim=5)
    layers = list(method.projection_head.layers)
    assert [layer.out_features for layer in layers if isinstance(layer, nn.Linear)] == [6, 6, 5]
    assert isinstance(layers[-1], nn.Linear)


def test_sizes_must_be_positive() -> None:
    with pytest.raises(ValueError, match="hidden_dim: expected a positive number, got 0"):
        VICReg(ConvNet(width=2), hidden_dim=0)
