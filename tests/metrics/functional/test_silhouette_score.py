import pytest
import sklearn.metrics
import torch
from torch import Tensor

from csl.metrics.functional import silhouette_score
from tests.metrics.reference import ANY, Reference, Values


def _silhouette(x: Tensor, y: Tensor) -> Values:
    return float(sklearn.metrics.silhouette_score(x.double().numpy(), y.numpy()))


REFERENCES = {
    "silhouette": Reference(_silhouette, ANY, hard=2e-5),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("columns", [1, 5])
def test_one_sample_far_from_all_others_costs_no_digits(seed: int, columns: int) -> None:
    x = torch.randn(60, 5, generator=torch.Generator().manual_seed(seed))
    x[0, :columns] = 1e8
    y = torch.arange(60) % 3
    expected = sklearn.metrics.silhouette_score(x.double().numpy(), y.numpy())
    assert float(silhouette_score(x.requires_grad_(), y)) == pytest.approx(expected, abs=1e-5)
