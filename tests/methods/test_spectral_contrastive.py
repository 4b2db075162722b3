from typing import Any

import pytest
from torch import nn

from csl.encoders import ConvNet
from csl.methods import SpectralContrastive
from tests.methods.two_views import assert_loss_is_of_projections


def test_loss_is_of_both_views_projections() -> None:
    assert assert_loss_is_of_projections("SpectralContrastive", mu=3.0).loss.mu == 3.0


def test_the_projection_head_ends_in_batch_norm_without_relu() -> None:
    method: Any = SpectralContrastive(ConvNet(width=2), hidden_dim=6, output_dim=5)
    layers = list(method.projection_head.layers)
    assert [layer.out_features for layer in layers if isinstance(layer, nn.Linear)] == [6, 5]
    assert isinstance(layers[-1], nn.BatchNorm1d)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mu": 0.0}, "mu: expected a number above 0 and finite, got 0.0"),
        ({"output_dim": 0}, "output_dim: expected a positive number, got 0"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SpectralContrastive(ConvNet(width=2), **options)
