from torch import Tensor

from tests.metrics.reference import ANY, Reference, Values, eigenvalues, shannon_rank


def _effective_rank(x: Tensor, y: Tensor) -> Values:
    return shannon_rank(eigenvalues(x))


REFERENCES = {
    "effective_rank": Reference(_effective_rank, ANY, two_samples=[1.0]),
}
