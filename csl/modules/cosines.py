"""A linear layer that looks at directions only."""

from torch import Tensor, nn
from torch.nn.functional import linear, normalize


class Cosines(nn.Linear):
    """The cosines of inputs `[B, D]` with learned directions `[K, D]`: a weight-normalised layer without lengths.

    Example:
        >>> import torch
        >>> Cosines(2, 1, bias=False)(torch.zeros(3, 2)).shape
        torch.Size([3, 1])
    """

    def forward(self, inputs: Tensor) -> Tensor:
        """Cosines `[B, K]`; 0 for an input of length 0."""
        return linear(normalize(inputs, dim=1), normalize(self.weight, dim=1))
