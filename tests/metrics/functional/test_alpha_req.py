import numpy as np
from torch import Tensor

from tests.metrics.reference import ANY, Reference, Values, eigenvalues


def _alpha(x: Tensor, y: Tensor) -> Values:
    """A weighted polynomial fit; numpy weighs residuals, so by the root of 1 / k."""
    values = eigenvalues(x)[1:6]
    k = np.arange(2, 2 + len(values))
    return float(-np.polyfit(np.log(k), np.log(values), 1, w=np.sqrt(1 / k))[0])


REFERENCES = {
    "alpha_req": Reference(_alpha, ANY, {"first": 2, "last": 6}),
}
