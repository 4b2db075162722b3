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


def test_features_may_require_a_gradient() -> None:
    x, y = torch.randn(60, 5, generator=torch.Generator().manual_seed(0)), torch.arange(60) % 3
    assert torch.equal(silhouette_score(x.clone().requires_grad_(), y), silhouette_score(x, y))
