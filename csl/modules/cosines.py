"""A linear layer that looks at directions only."""

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, normalize


class Cosines(nn.Linear):
    """The cosines of inputs `[B, D]` with learned directions `[K, D]`: a weight-normalised layer without lengths.

    They are float32 under autocast, too: a loss divides them by temperatures as small as 0.02, which would multiply
    the rounding of bfloat16, up to 0.002 of a cosine near 1, by 50.

    Example:
        >>> Cosines(2, 1, bias=False)(torch.zeros(3, 2)).shape
        torch.Size([3, 1])
    """

    def forward(self, inputs: Tensor) -> Tensor:
        """Cosines `[B, K]`; 0 for an input of length 0."""
        with torch.autocast(inputs.device.type, enabled=False):
            rows, directions = (t.to(torch.promote_types(t.dtype, torch.float32)) for t in (inputs, self.weight))
            return linear(normalize(rows, dim=1), normalize(directions, dim=1))
