import numpy as np
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from tests.metrics.reference import ANY, Reference, Values


def _dimension(x: Tensor, y: Tensor) -> Values:
    distances = NearestNeighbors(n_neighbors=2, algorithm="brute").fit(x.double().numpy()).kneighbors()[0]
    return float(len(x) / np.log(distances[:, 1] / distances[:, 0]).sum())


DUPLICATES = ("duplicates", "clumps", "collapsed classes", "clumps far from the origin")
NO_RATIO = "the reference divides by distances of zero, or by those of the rounding of float32 features"


REFERENCES = {
    "intrinsic_dimension": Reference(_dimension, ANY, hard=2e-5, hard_but=dict.fromkeys(DUPLICATES, NO_RATIO)),
}
