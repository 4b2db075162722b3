import numpy as np
from torch import Tensor

from tests.metrics.reference import ANY, Reference, Values


def _participation(x: Tensor, y: Tensor) -> Values:
    covariance = np.cov(x.double().numpy(), rowvar=False)
    return float(np.trace(covariance) ** 2 / (covariance**2).sum())


REFERENCES = {
    "participation_ratio": Reference(_participation, ANY, two_samples=[1.0]),
}
