import torch
from torch import Tensor

from tests.metrics.reference import COSINE, Reference, Values, unit


def _alignment(x: Tensor, y: Tensor) -> Values:
    squares = torch.cdist(unit(x), unit(x)).square()
    positive = (y[:, None] == y) & ~torch.eye(len(y), dtype=torch.bool)
    return float(squares[positive].mean())


REFERENCES = {
    "alignment": Reference(_alignment, COSINE, one_class="reference", identical=[0.0], hard=2e-5),
}
