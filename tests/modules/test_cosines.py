import pytest
import torch
from torch.nn.functional import cosine_similarity

from csl.modules import Cosines


def test_cosines_are_those_of_torch() -> None:
    layer = Cosines(5, 3, bias=False).double()
    inputs = torch.randn(4, 5, dtype=torch.float64)
    expected = cosine_similarity(inputs[:, None], layer.weight[None], dim=2)
    torch.testing.assert_close(layer(inputs), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_cosines_keep_their_digits_under_autocast(dtype: torch.dtype) -> None:
    layer, inputs = Cosines(256, 128, bias=False), torch.randn(16, 256).to(dtype)
    with torch.autocast("cpu", torch.bfloat16):
        found = layer(inputs)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), layer.double()(inputs.double()), rtol=0, atol=1e-6)
