from typing import Any

import pytest
from torch import nn

from csl.encoders import ConvNet
from csl.losses import BarlowTwinsLoss
from csl.methods import BarlowTwins
from tests.methods.two_views import assert_loss_is_of_projections


def test_loss_is_of_both_views_projections() -> None:
    assert_loss_is_of_projections("BarlowTwins")
    method = assert_loss_is_of_projections("BarlowTwins", loss=BarlowTwinsLoss(redundancy_weight=0.5))
    assert method.loss.redundancy_weight == 0.5


def test_the_projection_head_has_three_layers_and_no_last_norm_which_is_the_losss() -> None:
    method: Any = BarlowTwins(ConvNet(width=2), hidden_dim=6, output_dim=5)
    layers = list(method.projection_head.layers)
    assert [layer.out_features for layer in layers if isinstance(layer, nn.Linear)] == [6, 6, 5]
    assert isinstance(layers[-1], nn.Linear)


def test_sizes_must_be_positive() -> None:
    with pytest.raises(ValueError, match="output_dim: expected a positive number, got 0"):
        BarlowTwins(ConvNet(width=2), output_dim=0)
