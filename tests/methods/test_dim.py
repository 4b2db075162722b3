from typing import Any

import pytest
import torch
from torch import nn

from csl.encoders import ConvNet, LocalNet, Pixels
from csl.losses import DIMLoss, dim_loss
from csl.methods import DIM
from csl.methods.local_maps import channels_of
from tests.methods.toy import ONE, toy_batch, toy_method


@pytest.mark.parametrize("estimator", ["nce", "jsd"])
def test_loss_is_of_features_and_the_places_of_an_earlier_layer(estimator: Any) -> None:
    method: Any = toy_method("DIM", estimator=estimator).double()
    batch = toy_batch(list(range(6)), ONE)
    images = batch.views[0].double()
    fine = method.encoder.fine(images)
    vectors = method.global_head(method.encoder(images))
    rows = [method.local_head(fine[:, :, row, column]) for row in range(6) for column in range(6)]
    loss = method.training_loss(batch._replace(views=(images,)))
    torch.testing.assert_close(loss, dim_loss(vectors, torch.stack(rows, dim=1), estimator), rtol=1e-10, atol=0)
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in method.parameters())


def test_an_image_is_encoded_once() -> None:
    method: Any = toy_method("DIM")
    passes: list[int] = []
    method.encoder.fine.register_forward_hook(lambda *_: passes.append(1))
    method.training_loss(toy_batch([0, 1], ONE))
    assert passes == [1]


def test_any_layer_that_gives_maps_can_be_chosen() -> None:
    method: Any = DIM(ConvNet(width=2), local_layer="layers.0", output_dim=8)
    assert (method.local_layer, method.local_head.linear.in_features) == ("layers.0", 2)
    assert DIM(ConvNet(width=2)).local_layer == "layers.1"
    assert method.training_loss(toy_batch([0, 1, 2], ONE)).isfinite()


def test_looking_at_maps_changes_nothing_in_an_encoder() -> None:
    encoder = ConvNet(width=2).train()
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    assert channels_of(encoder, ["layers.1"]) == [4]
    assert encoder.training
    torch.testing.assert_close(dict(encoder.state_dict()), before, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("encoder", "options", "message"),
    [
        (LocalNet(width=2), {"hidden_dim": 0}, "hidden_dim: expected a positive number, got 0"),
        (LocalNet(width=2), {"output_dim": 0}, "output_dim: expected a positive number, got 0"),
        (LocalNet(width=2), {"estimator": "dv"}, "estimator: expected 'nce' or 'jsd', got 'dv'"),
        (
            LocalNet(width=2),
            {"local_layer": "layer9"},
            "layers: expected names of submodules of LocalNet, got 'layer9'",
        ),
        (LocalNet(width=2), {"local_layer": "whole"}, r"LocalNet.whole: expected maps of shape \[1, D, h, w\], got"),
        (Pixels(8, 3), {}, "encoder: expected one that names layers with maps, such as LocalNet, or their names"),
        (LocalNet(width=2), {"estimator": "jsd", "loss": DIMLoss()}, "estimator: expected none beside a loss that"),
    ],
)
def test_wrong_options_are_named(encoder: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DIM(encoder, **options)


def test_another_loss_is_taken() -> None:
    class Difference(nn.Module):
        def forward(self, vectors: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
            return (vectors[:, None] - places).square().mean()

    method: Any = toy_method("DIM", loss=Difference())
    assert method.training_loss(toy_batch([0, 1], ONE)).isfinite()
