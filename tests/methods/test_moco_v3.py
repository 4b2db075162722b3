from typing import Any

import pytest
import torch

from csl.encoders import ConvNet, Timm
from csl.methods import MoCoV3
from tests.methods.toy import ToyData, small_vit, toy_batch, toy_method, toy_trainer


def test_the_loss_is_symmetric_and_keys_have_no_gradient() -> None:
    method: Any = toy_method("MoCoV3")
    batch = toy_batch(list(range(5)))
    loss = method.training_loss(batch)
    with torch.no_grad():
        q = [method.prediction_head(method.projection_head(method.encoder(view))) for view in batch.views]
        k = [method.momentum_projection_head(method.momentum_encoder(view)) for view in batch.views]
    torch.testing.assert_close(loss.detach(), method.loss(q[0], k[1]) + method.loss(q[1], k[0]))
    loss.backward()
    assert all(p.grad is None for p in method.momentum_encoder.parameters())
    assert all(p.grad is not None for p in method.encoder.parameters())


def test_a_transformers_patch_projection_stays_as_it_was() -> None:
    method: Any = toy_method("MoCoV3", dropout=True)
    before = method.encoder.conv_proj.weight.clone()
    others = method.encoder.class_token.clone()
    toy_trainer().fit(method, datamodule=ToyData())
    assert torch.equal(method.encoder.conv_proj.weight, before)
    assert not torch.equal(method.encoder.class_token, others)


def test_timms_patch_projection_is_found() -> None:
    method: Any = MoCoV3(Timm("vit_tiny_patch16_224", options={"img_size": 32, "depth": 1}), hidden_dim=8)
    assert not any(p.requires_grad for p in method.encoder.model.patch_embed.parameters())


def test_convolutional_networks_are_trained_whole_with_a_shorter_head() -> None:
    convolutional: Any = MoCoV3(ConvNet(width=2), hidden_dim=8)
    transformer: Any = MoCoV3(small_vit(), hidden_dim=8)
    assert all(p.requires_grad for p in convolutional.encoder.parameters())
    assert len(transformer.projection_head) - len(convolutional.projection_head) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0.0}, "temperature: expected a positive number, got 0.0"),
        ({"momentum": 1.1}, "momentum: expected a number from 0 to 1, got 1.1"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MoCoV3(ConvNet(width=2), **options)
