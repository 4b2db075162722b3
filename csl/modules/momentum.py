"""A slowly moving copy of modules: the momentum (target, teacher) network of MoCo, BYOL and their kin."""

from copy import deepcopy
from typing import cast

import torch
from lightly.utils.scheduler import cosine_schedule
from torch import Tensor, nn


class MomentumCopy(nn.Module):
    """A chain of modules whose parameters are an exponential moving average of the originals'; never trained.

        xi <- m * xi + (1 - m) * theta        xi: this copy's parameters, theta: the originals', m: the momentum

    Only parameters are averaged. Buffers, that is batch-norm statistics, are the copy's own: in training mode it
    normalises by the batch it sees and keeps running statistics of that, as MoCo and BYOL do. Copied or averaged ones
    would describe the activations of the originals' weights, not of these, and an average of counters has no meaning.
    The copy follows its parent's `train()` and `eval()`: batch statistics in training, running ones in evaluation.

    From MoCo, 2020, arXiv 1911.05722, and BYOL, 2020, arXiv 2006.07733.

    Args:
        *modules: The originals, applied one after another: for example an encoder and its projection head.

    Attributes:
        copies: The copied modules, in order.

    Example:
        >>> online = nn.Linear(2, 2)
        >>> momentum = MomentumCopy(online)
        >>> _ = online.weight.data.add_(1.0)
        >>> momentum.update(online, momentum=0.9)
        >>> bool(torch.allclose(online.weight - momentum.copies[0].weight, torch.tensor(0.9)))
        True
    """

    def __init__(self, *modules: nn.Module) -> None:
        super().__init__()
        self.copies = nn.ModuleList(deepcopy(module) for module in modules)
        self.requires_grad_(False)

    @torch.no_grad()
    def forward(self, inputs: Tensor) -> Tensor:
        """The chain's output, without gradient."""
        for module in self.copies:
            inputs = module(inputs)
        return inputs

    @torch.no_grad()
    def update(self, *modules: nn.Module, momentum: float) -> None:
        """Move towards the originals, given in the order of the constructor; call it once after an optimizer step.

        Raises:
            ValueError: If `momentum` is outside 0 to 1, or the modules do not have this copy's parameters.
        """
        if not 0.0 <= momentum <= 1.0:
            raise ValueError(f"momentum: expected a number from 0 to 1, got {momentum}")
        own = dict(self.copies.named_parameters())
        originals = dict(nn.ModuleList(modules).named_parameters())
        if {k: v.shape for k, v in own.items()} != {k: v.shape for k, v in originals.items()}:
            raise ValueError(
                "modules: expected the modules this is a copy of; their parameters differ in name or shape"
            )
        # `nn.ModuleList` above takes no part in training, it only names parameters as `copies` does.
        torch._foreach_lerp_(list(own.values()), [originals[name] for name in own], 1.0 - momentum)


def momentum_at(step: int, max_steps: int, start: float, end: float = 1.0) -> float:
    """The momentum after optimizer step `step` of `max_steps` (from 0): half a cosine from `start` to `end`.

    `start` at the first step, `end` at the last and after it. From BYOL, 2020, arXiv 2006.07733.

    Example:
        >>> [round(momentum_at(step, 5, start=0.9), 3) for step in range(5)]
        [0.9, 0.915, 0.95, 0.985, 1.0]
    """
    return cast(float, cosine_schedule(min(step, max_steps), max_steps, start, end))
