from typing import Any

import pytest
import torch

from csl.encoders import ConvNet
from csl.methods import EMPSSL
from csl.types import View
from tests.methods.toy import toy_batch, toy_method


def test_it_asks_for_as_many_patches_of_a_quarter_as_told() -> None:
    assert EMPSSL(ConvNet(width=2)).views == (View(20, crop_area=(0.25, 0.25)),)
    assert EMPSSL(ConvNet(width=2), num_patches=7, patch_area=(0.3, 0.9)).views == (View(7, crop_area=(0.3, 0.9)),)


def test_the_loss_is_that_of_all_patches_projections() -> None:
    method: Any = toy_method("EMPSSL")
    batch = toy_batch(list(range(5)), method.views)
    with torch.no_grad():
        projections = torch.stack([method.projection_head(method.encoder(view)) for view in batch.views])
        torch.testing.assert_close(method.training_loss(batch), method.loss(projections))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_patches": 1}, "num_patches: expected at least 2, got 1"),
        ({"patch_area": (0.9, 0.3)}, r"patch_area: expected two shares above 0, ascending, to 1, got \(0.9, 0.3\)"),
        ({"patch_area": (0.0, 0.3)}, r"patch_area: expected two shares above 0, ascending, to 1, got \(0.0, 0.3\)"),
        ({"patch_area": (0.2, 1.3)}, r"patch_area: expected two shares above 0, ascending, to 1, got \(0.2, 1.3\)"),
        ({"invariance_weight": -1.0}, "invariance_weight: expected a number at least 0 and finite, got -1.0"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EMPSSL(ConvNet(width=2), **options)
