from typing import Any

import pytest

from csl.encoders import ConvNet
from csl.methods import DCL
from tests.methods.two_views import assert_loss_is_of_projections


@pytest.mark.parametrize(("weighted", "sigma"), [(False, None), (True, 0.7)])
def test_loss_is_of_both_views_projections(weighted: bool, sigma: float | None) -> None:
    method = assert_loss_is_of_projections("DCL", temperature=0.3, weighted=weighted, sigma=0.7)
    assert (method.loss.temperature, method.loss.sigma) == (0.3, sigma)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0.0}, "temperature: expected a positive number, got 0.0"),
        ({"weighted": True, "sigma": 0.0}, "sigma: expected a positive number, got 0.0"),
        ({"output_dim": 0}, "output_dim: expected a positive number, got 0"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DCL(ConvNet(width=2), **options)
