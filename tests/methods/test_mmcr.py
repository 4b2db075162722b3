from typing import Any

import pytest

from csl.encoders import ConvNet
from csl.methods import MMCR
from csl.types import View
from tests.methods.toy import ToyData, toy_method, toy_trainer
from tests.methods.two_views import assert_loss_is_of_projections


@pytest.mark.parametrize("num_views", [2, 4])
def test_loss_is_of_all_views_projections(num_views: int) -> None:
    method = assert_loss_is_of_projections("MMCR", num_views=num_views, local_weight=0.1)
    assert method.views == (View(num_views),)


def test_it_trains_with_more_than_two_views() -> None:
    method = toy_method("MMCR", num_views=3)
    toy_trainer(max_epochs=1).fit(method, datamodule=ToyData(method.views))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_views": 1}, "num_views: expected at least 2, got 1"),
        ({"local_weight": -1.0}, "local_weight: expected a number at least 0 and finite, got -1.0"),
        ({"output_dim": 0}, "output_dim: expected a positive number, got 0"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MMCR(ConvNet(width=2), **options)
