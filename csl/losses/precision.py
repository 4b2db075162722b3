"""Where losses are computed: outside autocast."""

from collections.abc import Callable

import torch
from torch import Tensor


def in_full_precision(loss: Callable[..., Tensor], *tensors: Tensor) -> Tensor:
    """A loss of the tensors, computed outside autocast and in at least float32.

    Half precision keeps three digits, and logits are similarities divided by a small temperature.

    Example:
        >>> in_full_precision(torch.dot, torch.ones(3).half(), torch.ones(3).half()).dtype
        torch.float32
    """
    with torch.autocast(tensors[0].device.type, enabled=False):
        return loss(*(t if t.dtype in (torch.float32, torch.float64) else t.float() for t in tensors))
