from typing import Any

import pytest
import torch

from csl.encoders import ConvNet
from csl.methods import WMSE
from tests.methods.toy import toy_batch, toy_method


@pytest.mark.parametrize(("images", "width"), [(6, 3), (40, 8)])
def test_at_most_half_as_many_outputs_as_images_are_whitened(images: int, width: int) -> None:
    method: Any = toy_method("WMSE")
    batch = toy_batch(list(range(images)))
    with torch.no_grad():
        first, second = (method.projection_head(method.encoder(view))[:, :width] for view in batch.views)
        torch.testing.assert_close(method.training_loss(batch), method.loss(first, second))


def test_a_size_must_be_positive() -> None:
    with pytest.raises(ValueError, match="expected a positive number, got 0"):
        WMSE(ConvNet(width=2), output_dim=0)
