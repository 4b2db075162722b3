import numpy as np
from torch import Tensor

from tests.metrics.reference import Reference, Values, shannon_rank


def _rankme(x: Tensor, y: Tensor) -> Values:
    return shannon_rank(np.linalg.svd(x.double().numpy(), compute_uv=False))


REFERENCES = {
    "rankme": Reference(_rankme, ("scale", "rotation"), two_samples=[1.0], identical=[1.0], one_sample=1.0),
}
