from typing import Any

import pytest
import torch
from torch.nn.functional import normalize

from csl.encoders import ConvNet
from csl.methods import All4One
from tests.methods.toy import ToyData, toy_batch, toy_method, toy_trainer


def test_the_loss_is_that_of_neighbors_and_centroids() -> None:
    method: Any = toy_method("All4One")
    batch = toy_batch(list(range(5)))
    with torch.no_grad():
        z = [method.projection_head(method.encoder(view)) for view in batch.views]
        t = [normalize(method.momentum_projection_head(method.momentum_encoder(view)), dim=1) for view in batch.views]
        order = [(target @ method.queue.features.T).argsort(dim=1, descending=True)[:, :5] for target in t]
        near = [method.queue.features[rows] for rows in order]
        p = [method.prediction_head(part) for part in z]
        centroids = [method.attention(part + method.positions)[:, 0] for part in near]
        moved = [
            torch.cat([method.shifted_prediction_head(a)[:, None], b[:, :4]], dim=1)
            for a, b in zip(z, near, strict=True)
        ]
        shifted = [method.attention(part + method.positions)[:, 0] for part in moved]
        parts = ([part[:, 0] for part in near], p, centroids, shifted, z, t)
        step = method.training_loss(batch)
        torch.testing.assert_close(step.loss, method.loss(*map(torch.stack, parts)))
    torch.testing.assert_close(step.keep, t[0])


def test_first_views_enter_the_queue_once_a_step() -> None:
    method: Any = toy_method("All4One")
    toy_trainer(max_epochs=1).fit(method, datamodule=ToyData())
    assert int(method.queue.position) == 4 * 8 % 24


def test_the_transformer_learns_at_a_tenth_of_the_rate() -> None:
    (group,) = All4One(ConvNet(width=2), hidden_dim=8, output_dim=8).parameter_groups()
    assert (group.name, group.rate) == ("attention", 0.1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0.0}, "temperature: expected a positive number, got 0.0"),
        ({"momentum": 1.1}, "momentum: expected a number from 0 to 1, got 1.1"),
        ({"queue_size": 4}, "queue_size: expected at least num_neighbors=5, got 4"),
        ({"output_dim": 12}, "output_dim: expected a multiple of 8, got 12"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        All4One(ConvNet(width=2), **options)
