import sklearn.metrics
from torch import Tensor

from tests.metrics.reference import ANY, Reference, Values


def _davies_bouldin(x: Tensor, y: Tensor) -> Values:
    centered = x.double() - x.double().mean(dim=0)  # scikit-learn loses digits far from the origin
    return float(sklearn.metrics.davies_bouldin_score(centered.numpy(), y.numpy()))


REFERENCES = {
    "davies_bouldin": Reference(_davies_bouldin, ANY, hard=2e-5),
}
