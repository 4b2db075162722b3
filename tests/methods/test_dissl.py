from typing import Any

import pytest
import torch

from csl.encoders import ConvNet
from csl.losses import dissl_loss
from csl.methods import DISSL
from tests.methods.toy import toy_batch, toy_method


def test_loss_is_of_both_heads_on_the_same_features() -> None:
    method: Any = toy_method("DISSL", evenness=1.5, certainty=0.3).double()
    batch = toy_batch(list(range(6)))
    batch = batch._replace(views=tuple(view.double() for view in batch.views))
    one, other = (method.encoder(view) for view in batch.views)
    assignments = torch.stack([method.projection_head(one), method.projection_head(other)])
    predictions = torch.stack([rows @ method.linear_head.weight.T + method.linear_head.bias for rows in (one, other)])
    loss = method.training_loss(batch)
    torch.testing.assert_close(loss, dissl_loss(assignments, predictions, 1.0, 0.5, 1.5, 0.3), rtol=1e-10, atol=0)
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() and p.grad.any() for p in method.parameters())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"evenness": -1.0}, "evenness: expected a number at least 0 and finite, got -1.0"),
        ({"certainty": -1.0}, "certainty: expected a number at least 0 and finite, got -1.0"),
        ({"output_dim": 0}, "output_dim: expected a positive number, got 0"),
        ({"evenness": 1.0, "loss": torch.nn.Identity()}, "evenness: expected none beside a loss that is given"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DISSL(ConvNet(width=2), **options)


def test_assignments_to_thousands_of_classes_can_become_sure() -> None:
    """With cosines, as DINO has them, no class of 4,096 could get more than 2 %: the loss stayed where it began."""
    method: Any = toy_method("DISSL", output_dim=4096)
    method.projection_head[-1].weight.data *= 100
    assignments = method.projection_head(method.encoder(toy_batch(list(range(6))).views[0])) / 0.5
    assert assignments.softmax(dim=1).max(dim=1).values.mean() > 0.5  # 0.02 at most with cosines
