import sklearn.metrics
from torch import Tensor

from tests.metrics.reference import ANY, Reference, Values


def _silhouette(x: Tensor, y: Tensor) -> Values:
    return float(sklearn.metrics.silhouette_score(x.double().numpy(), y.numpy()))


REFERENCES = {
    "silhouette": Reference(_silhouette, ANY, hard=2e-5),
}
