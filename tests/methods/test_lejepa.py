from typing import Any
from unittest.mock import PropertyMock, patch

import pytest
import torch

from csl.encoders import ConvNet
from csl.losses import LeJEPALoss
from csl.methods import LeJEPA
from tests.methods.toy import toy_batch, toy_method


@pytest.mark.parametrize("options", [{}, {"full_views": 2, "small_crops": 4}, {"full_views": 3, "small_crops": 2}])
def test_the_loss_is_that_of_all_views_projections(options: dict[str, Any]) -> None:
    method: Any = toy_method("LeJEPA", **options)
    assert method.loss.full_views == method.views[0].count == options.get("full_views", 4)
    batch = toy_batch(list(range(5)), method.views)
    with torch.no_grad():
        projections = torch.stack([method.projection_head(method.encoder(view)) for view in batch.views])
        expected = method.loss(projections, method._directions(projections))
        torch.testing.assert_close(method.training_loss(batch), expected)


def test_directions_depend_on_the_step_and_on_nothing_else() -> None:
    method, like = toy_method("LeJEPA"), torch.zeros(1)
    assert isinstance(method, LeJEPA)
    torch.manual_seed(1)
    first = method._directions(like)
    torch.manual_seed(2)
    torch.testing.assert_close(method._directions(like), first, rtol=0, atol=0)
    torch.testing.assert_close(first.norm(dim=0), torch.ones(5))
    with patch.object(LeJEPA, "global_step", new_callable=PropertyMock, return_value=1):
        assert not torch.allclose(method._directions(like), first)


def test_wrong_options_are_named() -> None:
    with pytest.raises(ValueError, match="loss: expected one of 2 full views, as the method has, got 4"):
        LeJEPA(ConvNet(width=2), full_views=2, loss=LeJEPALoss())
    with pytest.raises(ValueError, match="weight: expected a number from 0 to 1, got 2"):
        LeJEPA(ConvNet(width=2), weight=2)
    with pytest.raises(ValueError, match="num_directions: expected a positive number, got 0"):
        LeJEPA(ConvNet(width=2), num_directions=0)
