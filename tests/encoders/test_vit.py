from typing import Any

import pytest
import torch
import torchvision
from torch import nn

from csl.encoders import ViT

SMALL: dict[str, Any] = {"image_size": 8, "patch_size": 4, "depth": 2, "heads": 2, "width": 16, "mlp_width": 24}


def _torchvision(dropout: float = 0.0) -> Any:
    options = {"image_size": 8, "patch_size": 4, "num_layers": 2, "num_heads": 2, "hidden_dim": 16, "mlp_dim": 24}
    model = torchvision.models.VisionTransformer(**options, dropout=dropout)
    model.heads = nn.Identity()
    return model


def test_torchvisions_weights_load_and_give_its_features() -> None:
    reference, encoder = _torchvision().eval(), ViT(**SMALL).eval()
    encoder.load_state_dict(reference.state_dict())
    images = torch.randn(3, 3, 8, 8)
    torch.testing.assert_close(encoder(images), reference(images))


def test_papers_network() -> None:
    with torch.device("meta"):
        encoder = ViT()
    layers = [module for module in encoder.modules() if isinstance(module, nn.MultiheadAttention)]
    assert (len(layers), layers[0].num_heads, layers[0].embed_dim) == (16, 8, 512)
    assert encoder.encoder.pos_embedding.shape == (1, 65, 512)
    assert {m.p for m in encoder.modules() if isinstance(m, nn.Dropout)} == {0.2}
    assert (encoder.feature_dim, sum(p.numel() for p in encoder.parameters())) == (512, 42_101_248)


def test_dropout_acts_in_training_only() -> None:
    encoder = ViT(**SMALL, dropout=0.5)
    images = torch.randn(3, 3, 8, 8)
    assert not torch.equal(encoder(images), encoder(images))
    encoder.eval()
    torch.testing.assert_close(encoder(images), encoder(images), rtol=0, atol=0)


def test_other_image_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"images: expected 8 by 8 pixels for ViT\(image_size=8\), got 8 by 16"):
        ViT(**SMALL)(torch.zeros(2, 3, 8, 16))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"patch_size": 3}, "patch_size: expected a divisor of image_size=8, got 3"),
        ({"heads": 3}, "heads: expected a divisor of width=16, got 3"),
        ({"dropout": 1.0}, r"dropout: expected a share from 0 to below 1, got 1.0"),
        ({"depth": 0}, "depth: expected a positive number, got 0"),
        ({"width": -4}, "width: expected a positive number, got -4"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ViT(**{**SMALL, **options})
